import colours from 'picocolors'
import type { Identity } from '../model/identity.ts'
import type { Override } from '../model/running.ts'
import { showEnd, visible } from './text.ts'

/** Operators' words that stand above the sources, in a plan: who reads it sees why somebody is not what HR says. */
export function renderWords(people: readonly Identity[], most: number): string {
  const lines = people.flatMap(({ id, state, zone, override }) => {
    return (override?.words ?? []).map(
      ({ text, until }) => `  ${id}  ${state}  ${showEnd(until, zone)}  ${visible(text)}`,
    )
  })
  if (lines.length === 0) return ''
  const more = lines.length > most ? [`  … and ${lines.length - most} more: keyturn status`] : []
  return [colours.bold("Operators' words"), ...lines.slice(0, most), ...more].join('\n')
}

/** What stands beside a word that was just said or ended, and the command that ends it; empty where nothing does. */
export function renderStanding(words: readonly Override[], zone: string): string {
  const lines = words.map(({ identity, kind, state, until, operator, reason }) => {
    const what = kind === 'freeze' ? 'freeze' : `override to ${state ?? ''}`
    const end = `"keyturn ${kind === 'freeze' ? 'freeze' : 'override'} ${identity} --end --reason TEXT" ends it.`
    const stands = colours.yellow(`Still standing: ${what} of ${identity} ${showEnd(until, zone)}`)
    return `${stands}, by ${operator}: ${visible(reason)}\n  ${end}`
  })
  return lines.join('\n')
}
