import { expect, test } from 'vitest'
import { openListening } from '../../../../src/server/daemon/listening.ts'

/** A machine on which `taken` are somebody else's, and where 0.0.0.0 and other hosts exclude each other at the same port. */
function machine(...taken: readonly string[]) {
  const open: string[] = []
  const others = new Set(taken)
  const listening = openListening(async ({ host, port }) => {
    const name = `${host}:${port}`
    const collides = (one: string) =>
      one === name || (one.endsWith(`:${port}`) && (one.startsWith('0.') || host === '0.0.0.0'))
    if (others.has(name) || open.some(collides)) throw new Error(`${name} is taken`)
    open.push(name)
    return { [Symbol.asyncDispose]: async () => void open.splice(open.indexOf(name), 1) }
  })
  return { open, others, listening }
}

const at = (port: number, host = '127.0.0.1') => ({ host, port })

test('the new address is open before the old one is closed', async () => {
  const { open, listening } = machine()
  await (await listening.move(at(1))).finish()
  const move = await listening.move(at(2))
  expect(open).toEqual(['127.0.0.1:1', '127.0.0.1:2'])
  await move.finish()
  expect(open).toEqual(['127.0.0.1:2'])
  await listening[Symbol.asyncDispose]()
  expect(open).toEqual([])
})

test('where the new one cannot be opened, or the move is undone, the old one is as it was', async () => {
  const { open, listening } = machine('127.0.0.1:2')
  await (await listening.move(at(1))).finish()
  await expect(listening.move(at(2))).rejects.toThrow('127.0.0.1:2 is taken')
  expect(open).toEqual(['127.0.0.1:1'])
  await (await listening.move(at(3))).undo()
  expect(open).toEqual(['127.0.0.1:1'])
  await (await listening.move(null)).undo()
  expect(open).toEqual(['127.0.0.1:1'])
})

test('the same address is not opened again, none closes what is open, and one opens where there was none', async () => {
  const { open, listening } = machine()
  await (await listening.move(null)).finish()
  await (await listening.move(at(1))).finish()
  const same = await listening.move(at(1))
  await same.finish()
  await same.undo()
  expect(open).toEqual(['127.0.0.1:1'])
  await (await listening.move(null)).finish()
  expect(open).toEqual([])
})

test('an address that includes the old one takes its place, and gives it back', async () => {
  const { open, others, listening } = machine()
  const all = at(1, '0.0.0.0')
  await (await listening.move(at(1))).finish()
  await (await listening.move(all)).undo()
  expect(open).toEqual(['127.0.0.1:1'])
  others.add('0.0.0.0:1')
  await expect(listening.move(all)).rejects.toThrow('0.0.0.0:1 is taken')
  expect(open).toEqual(['127.0.0.1:1'])
  others.clear()
  await (await listening.move(all)).finish()
  expect(open).toEqual(['0.0.0.0:1'])
})
