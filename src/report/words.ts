import colours from 'picocolors'
import type { Identity } from '../model/identity.ts'
import { showInstant, visible } from './text.ts'

/** Operators' words that stand above the sources, in a plan: who reads it sees why somebody is not what HR says. */
export function renderWords(people: readonly Identity[], most: number): string {
  const lines = people.flatMap(({ id, state, zone, override }) => {
    if (override === undefined) return []
    const end = override.until === undefined ? 'until it is ended' : `until ${showInstant(override.until, zone)}`
    return [`  ${id}  ${state}  ${end}  ${visible(override.text)}`]
  })
  if (lines.length === 0) return ''
  const more = lines.length > most ? [`  … and ${lines.length - most} more: keyturn status`] : []
  return [colours.bold("Operators' words"), ...lines.slice(0, most), ...more].join('\n')
}
