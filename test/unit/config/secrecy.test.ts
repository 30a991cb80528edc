import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { interpret } from '../../../src/config/interpret.ts'
import { showProblem } from '../../../src/config/problems.ts'
import { mainText, rolesText } from './example.ts'

const secret = 'hunter2-Zx9'
const bind = "bind: { dn: 'cn=keyturn,dc=wiki,dc=example', password: file:secrets/wiki }"

const hook = (inside: string) => `notifications:\n  webhooks:\n  - { ${inside} }\nsafety:`

/** Everything that is printed about the example with this in place of one of its lines. */
function printed(from: string, to: string): string {
  if (!mainText.includes(from)) throw new Error(`the example does not hold ${from}`)
  const main = { name: 'keyturn.yaml', text: mainText.replace(from, () => to) }
  const { settings, problems } = interpret(main, [{ name: 'r.yaml', text: rolesText }], '/')
  expect(settings).toBeNull()
  return `${JSON.stringify(problems)}\n${problems.map(showProblem).join('\n')}`
}

describe('a secret that was written into the file is never printed', () => {
  test.each([
    ['as the password', bind, `bind: { dn: 'cn=k,dc=x', password: ${secret} }`],
    ['in quotes', bind, `bind: { dn: 'cn=k,dc=x', password: "${secret}" }`],
    ['behind another mistake on its line', bind, `bind: { dnn: 'cn=k,dc=x', password: '${secret}' }`],
    ['on its own line', bind, `bind:\n      dn: 'cn=k,dc=x'\n      password: ${secret}`],
    ['as a block', bind, `bind:\n      dn: 'cn=k,dc=x'\n      password: |\n        ${secret}\n`],
    ['as a list', bind, `bind: { dn: 'cn=k,dc=x', password: [${secret}] }`],
    ['as a mapping', bind, `bind: { dn: 'cn=k,dc=x', password: { value: ${secret} } }`],
    ['under a misspelt key', bind, `bind: { dn: 'cn=k,dc=x', pasword: ${secret} }`],
    ['under another key', bind, `bind: { dn: 'cn=k,dc=x', pw: ${secret} }`],
    ['as the whole bind', bind, `bind: ${secret}`],
    ['in a list', bind, `bind: [k, ${secret}]`],
    ['as an alias', bind, `bind: { dn: 'cn=k,dc=x', password: *${secret} }`],
    ['as a tag', bind, `bind: { dn: 'cn=k,dc=x', password: !${secret} }`],
    ['with a broken quote', bind, `bind: { dn: 'cn=k,dc=x', password: '${secret} }`],
    ['with text behind the quote', bind, `bind: { dn: 'cn=k,dc=x', password: 'x'${secret} }`],
    ['without the bracket', bind, `bind: { dn: 'cn=k,dc=x', password: ${secret}`],
    ['with a reserved character', bind, `bind: { dn: 'cn=k,dc=x', password: @${secret} }`],
    ['as a key', bind, `bind: { dn: 'cn=k,dc=x', password: { ${secret} } }`],
    ['on a platform', bind, `${bind}\n    password: ${secret}`],
    ['as a key of bind', bind, `bind: { dn: 'cn=k,dc=x', ${secret} }`],
    ['in the address of the ledger', 'sqlite:var/keyturn.db', `'postgres://k:${secret}@db/keyturn'`],
    ['in a broken address of the ledger', 'sqlite:var/keyturn.db', `'postgres://k:a/${secret}@db/keyturn'`],
    ['in an address of no ledger', 'sqlite:var/keyturn.db', `'postgres:k:${secret}@db'`],
    ['as a parameter of the address', 'sqlite:var/keyturn.db', `'postgres://k@db/keyturn?password=${secret}'`],
    ['in the address of Redis', 'redis: embedded', `redis: 'redis://:${secret}@cache'`],
    ['in the address of a platform', 'ldap://127.0.0.1:3890', `ldaps://k:${secret}@wiki.example`],
    ['as an age identity', 'file:certs/servicedesk.age', `AGE-SECRET-KEY-${secret}`],
    ['as a webhook', 'safety:', hook(`url: https://hooks.example/services/${secret}, shape: slack`)],
    ['as a webhook without https', 'safety:', hook(`url: hooks.example/${secret}, shape: teams`)],
    ['in a webhook under a misspelt key', 'safety:', hook(`ulr: https://hooks.example/${secret}`)],
    ['in a webhook under another key', 'safety:', hook(`address: hooks.example/${secret}, shape: slak`)],
    ['as a whole webhook', 'safety:', `notifications: { webhooks: [${secret}] }\nsafety:`],
    ['as a key of a webhook', 'safety:', hook(`shape: slack, ${secret}`)],
    ['under a misspelt section of webhooks', 'safety:', `notifications: { webhook: { url: ${secret} } }\nsafety:`],
    ['as what signs a webhook', 'safety:', hook(`url: env:HOOK, secret: ${secret}`)],
    ['in a webhook that is no YAML', 'safety:', hook(`url: https://hooks.example/${secret}, shape: [slack`)],
    ['as the password of mail', 'safety:', `notifications: { mail: { host: x, password: ${secret} } }\nsafety:`],
    ['as the address of a mail server', 'safety:', `notifications: { mail: 'smtp://k:${secret}@mx' }\nsafety:`],
    ['in a comment', 'every: 1m', `every: x # the password is ${secret}`],
  ])('%s', (_, from, to) => {
    expect(printed(from, to)).not.toContain(secret.slice(0, 7))
  })

  test('through an anchor under an innocent key', () => {
    const text = `innocent: &p ${secret}\n${mainText.replace('file:secrets/wiki', '*p')}`
    const { problems } = interpret({ name: 'k', text }, [{ name: 'r', text: rolesText }], '/')
    expect(problems.map(({ path }) => path)).toEqual(['innocent', 'platforms.wiki.bind.password'])
    expect(JSON.stringify(problems)).not.toContain(secret)
  })

  test('wherever the file breaks near it', () => {
    const text = mainText.replace('file:secrets/wiki', `"${secret}"`)
    const near = text.indexOf(secret)
    const noise = fc.constantFrom('{', '}', '"', "'", ']', '\t', '\n', ':', '&', '*', '#')
    fc.assert(
      fc.property(fc.integer({ min: near - 300, max: near + 200 }), noise, (at, added) => {
        const broken = text.slice(0, at) + added + text.slice(at)
        const { problems } = interpret({ name: 'k', text: broken }, [{ name: 'r', text: rolesText }], '/')
        expect(problems.map(showProblem).join('\n')).not.toContain(secret)
      }),
      { numRuns: 150 },
    )
  })
})

test('a line with a reference is shown', () => {
  const text = mainText.replace('password: file:secrets/wiki', 'passwd: file:secrets/wiki')
  const { problems } = interpret({ name: 'k', text }, [{ name: 'r', text: rolesText }], '/')
  expect(problems.map(({ excerpt }) => excerpt)).toContain(`    ${bind.replace('password', 'passwd')}`)
})
