import { describe, expect, test } from 'vitest'
import { compareSettings, refuseForgetting, refuseReload } from '../../../src/config/compare.ts'
import type { Problem } from '../../../src/model/place.ts'
import type { AtStake } from '../../../src/model/running.ts'
import type { Settings } from '../../../src/model/settings.ts'
import { interpreted, mainText } from './example.ts'

type Changes = readonly (readonly [string, string])[]

function settingsOf(changes: Changes = []): Settings {
  const { settings, problems } = interpreted(changes)
  if (settings === null) throw new Error(JSON.stringify(problems))
  return { ...settings, files: ['/etc/keyturn/keyturn.yaml'] }
}

const before = settingsOf()
const none = { added: [], removed: [], changed: [] }
const nothing = {
  same: true,
  policy: false,
  sources: none,
  platforms: none,
  state: false,
  daemon: false,
  notifications: false,
}

/** All about the platform wiki: its section, its limits and what roles give on it. */
const withoutWiki: Changes = [
  [/ {2}wiki:\n {4}kind: ldap\n[^]*?(?=\nsafety)/.exec(mainText)?.[0] ?? '', ''],
  ['  platforms:\n    wiki: { removals: { max: 2.5%, above: 3 } }\n', ''],
  ['    accounts: [wiki]\n', ''],
  [', wiki: [editors]', ''],
]
const wikiRenamed: Changes = [
  ['  wiki:\n    kind: ldap', '  knowledge:\n    kind: ldap'],
  ['    wiki: { removals', '    knowledge: { removals'],
  ['accounts: [wiki]', 'accounts: [knowledge]'],
  ['wiki: [editors]', 'knowledge: [editors]'],
]

describe('what another configuration asks of a running daemon:', () => {
  test.each<{ name: string; change: Changes; expected: object }>([
    { name: 'nothing for the same files', change: [], expected: {} },
    {
      name: 'nothing for a comment that moves every line',
      change: [['version: 1', '# hello\nversion: 1']],
      expected: {},
    },
    {
      name: 'everybody planned for a role',
      change: [['linger: 14d', 'linger: 15d']],
      expected: { policy: true },
    },
    {
      name: 'everybody planned for a limit, because holds may be released by it',
      change: [['above: 20', 'above: 21']],
      expected: { policy: true },
    },
    {
      name: 'everybody planned where a platform is no longer only observed',
      change: [['mode: full', 'mode: observe']],
      expected: { policy: true, platforms: { ...none, changed: ['corp-ad'] } },
    },
    {
      name: 'a new connection for another address',
      change: [['ldap://127.0.0.1:3890', 'ldaps://wiki.example']],
      expected: { platforms: { ...none, changed: ['wiki'] } },
    },
    {
      name: 'a new connection for another limit',
      change: [['concurrency: 8', 'concurrency: 9']],
      expected: { platforms: { ...none, changed: ['corp-ad'] } },
    },
    {
      name: 'a feed read anew from another file',
      change: [['feeds/employees.csv', 'feeds/people.csv']],
      expected: { sources: { ...none, changed: ['hr'] } },
    },
    {
      name: 'a feed read anew, and everybody planned, for another mapping',
      change: [['{ column: Position, trim: true }', '{ column: Position }']],
      expected: { policy: true, sources: { ...none, changed: ['hr'] } },
    },
    {
      name: 'another platform, and everybody planned',
      change: wikiRenamed,
      expected: { policy: true, platforms: { added: ['knowledge'], removed: ['wiki'], changed: [] } },
    },
    {
      name: 'another port',
      change: [['version: 1', 'version: 1\ndaemon: { listen: off }']],
      expected: { daemon: true },
    },
    {
      name: 'other people to tell',
      change: [['version: 1', 'version: 1\nnotifications: { gather: 1m }']],
      expected: { notifications: true },
    },
    {
      name: 'a restart for another ledger',
      change: [['sqlite:var/keyturn.db', 'sqlite:var/other.db']],
      expected: { state: true },
    },
  ])('$name', ({ change, expected }) => {
    const same = Object.keys(expected).length === 0
    expect(compareSettings(before, settingsOf(change))).toEqual({ ...nothing, same, ...expected })
  })

  test('other files are to be watched', () => {
    const after = { ...before, files: [...before.files, '/etc/keyturn/roles/new.yaml'] }
    expect(compareSettings(before, after)).toEqual({ ...nothing, same: false })
  })
})

describe('a configuration is refused that would', () => {
  const said = ({ severity, place, path, message, hint }: Problem) =>
    `${severity} ${place.file}:${place.line} ${path}: ${message} | ${hint}`
  const refusals = (change: Changes, atStake: Partial<AtStake> = {}) =>
    refuseReload(before, settingsOf(change), { links: new Map(), people: new Map(), ...atStake }).map(said)

  test('forget the accounts of a platform', () => {
    expect(refusals(withoutWiki, { links: new Map([['wiki', 207]]) })).toEqual([
      'error keyturn.yaml:59 platforms.wiki: 207 accounts of people on wiki would be forgotten: nobody would shut them when their owners leave | Put its section back (with mode: observe Keyturn only looks there), or give it up: "retired: { platforms: [wiki] }".',
    ])
  })

  test('forget them by giving the platform another name', () => {
    expect(refusals(wikiRenamed, { links: new Map([['wiki', 1]]) })).toEqual([
      'error keyturn.yaml:59 platforms.wiki: 1 account of people on wiki would be forgotten: nobody would shut them when their owners leave | It seems to be called "knowledge" now. Give it its old name back.',
    ])
  })

  test('leave the people of a source as they are for ever', () => {
    expect(refusals([['  hr:', '  people:']], { people: new Map([['hr', 311]]) })).toEqual([
      'error keyturn.yaml:6 sources.hr: 311 people of hr would stay for ever as they are: nothing would say when they leave | It seems to be called "people" now. Give it its old name back.',
    ])
    const other: Changes = [
      ['  hr:', '  people:'],
      ['feeds/employees.csv', 'other.csv'],
    ]
    expect(refusals(other, { people: new Map([['hr', 1]]) })).toEqual([
      'error keyturn.yaml:6 sources.hr: 1 person of hr would stay for ever as they are: nothing would say when they leave | Put its section back until everybody in it has left, or give it up: "retired: { sources: [hr] }".',
    ])
  })

  test('change the ledger or Redis while the daemon runs', () => {
    const change: Changes = [
      ['ledger: sqlite:var/keyturn.db, redis: embedded', 'ledger: sqlite:x.db, redis: env:REDIS'],
    ]
    const remedy = 'Put it back, or stop the daemon and start it again.'
    expect(refusals(change)).toEqual(
      ['ledger', 'redis'].map(
        (key) =>
          `error keyturn.yaml:3 state.${key}: is another one than that in use; it cannot change while the daemon runs | ${remedy}`,
      ),
    )
  })

  test('forget accounts at a start, when only the ledger remembers the platform', () => {
    const atStake = { links: new Map([['old', 3]]), people: new Map() }
    expect(refuseForgetting(null, before, atStake).map(said)).toEqual([
      'error /etc/keyturn/keyturn.yaml:0 platforms.old: 3 accounts of people on old would be forgotten: nobody would shut them when their owners leave | Put its section back (with mode: observe Keyturn only looks there), or give it up: "retired: { platforms: [old] }".',
    ])
  })
})

describe('a configuration is accepted that', () => {
  test('removes a platform without accounts, and says what is new', () => {
    const atStake = { links: new Map([['wiki', 0]]), people: new Map([['hr', 311]]) }
    expect(refuseReload(before, settingsOf(withoutWiki), atStake)).toEqual([])
    expect(compareSettings(before, settingsOf(withoutWiki)).platforms).toEqual({
      added: [],
      removed: ['wiki'],
      changed: [],
    })
  })

  test('says that a platform is given up', () => {
    const atStake = { links: new Map([['wiki', 207]]), people: new Map() }
    const after = { ...settingsOf(withoutWiki), retired: { sources: [], platforms: ['wiki'] } }
    expect(refuseReload(before, after, atStake)).toEqual([])
  })

  test('changes everything else', () => {
    const atStake = {
      links: new Map([
        ['wiki', 5],
        ['corp-ad', 7],
      ]),
      people: new Map([['hr', 311]]),
    }
    const after = settingsOf([
      ['mode: full', 'mode: observe'],
      ['ldap://127.0.0.1:3890', 'ldaps://wiki.example'],
      ['linger: 14d', 'linger: 1d'],
    ])
    expect(refuseReload(before, after, atStake)).toEqual([])
  })
})
