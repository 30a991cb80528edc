import { checkExpression, scopes } from '../../expression/index.ts'
import type { ExpressionScope } from '../../expression/index.ts'
import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'
import { attributesOf, isReference, personNames, rolesOf } from './files.ts'
import type { Parts } from './files.ts'

/** Every expression of every file, against what it may use. Needs keyturn.yaml, where the attributes are declared. */
export function checkExpressions({ main, roles }: Parts): readonly Problem[] {
  if (main === null) return []
  const names = personNames(main)
  const rule = scopes.rule(names)
  return [
    ...main
      .get('sources')
      .entries()
      .flatMap(([, source]) => mappingProblems(source)),
    ...main
      .get('platforms')
      .entries()
      .flatMap(([, platform]) => accountProblems(platform.get('accounts'), names)),
    ...rolesOf(roles).flatMap(([, role]) => problemsOf(role.get('when'), rule, 'bool')),
  ]
}

function mappingProblems(source: Cursor): readonly Problem[] {
  const attributes = attributesOf(source)
  const plain = attributes.filter(([, attribute]) => !isReference(attribute)).map(([name]) => name)
  const references = attributes.filter(([, attribute]) => isReference(attribute)).map(([name]) => name)
  const scope = scopes.mapping(plain)
  return attributes.flatMap(([, attribute]) =>
    problemsOf(attribute.get('expr'), scope, 'string').map((problem) => {
      const asked = /^person has no attribute "(.*?)"/.exec(problem.message)?.[1] ?? ''
      if (!references.includes(asked)) return problem
      const message = `person.${asked} is a reference; references are found only after all rows are read`
      return attribute.get('expr').error(message, { place: problem.place })
    }),
  )
}

function accountProblems(accounts: Cursor, names: readonly string[]): readonly Problem[] {
  const name = scopes.name(names)
  const account = scopes.account(names)
  const candidates = accounts.get('name')
  return [
    ...[candidates, ...candidates.items()].flatMap((one) => problemsOf(one, name, 'string')),
    ...problemsOf(accounts.get('container', 'expr'), account, 'string'),
    ...accounts
      .get('attributes')
      .entries()
      .flatMap(([, value]) => [value, value.get('value')])
      .flatMap((one) => problemsOf(one, account, 'string')),
  ]
}

function problemsOf(at: Cursor, scope: ExpressionScope, returns: 'string' | 'bool'): readonly Problem[] {
  const { text } = at
  if (text === undefined || text === '') return []
  const expression = { text, place: at.file.place(at.path) }
  return checkExpression(expression, scope, returns, { locate: at.file.locator(at.path) }).map((problem) =>
    at.file.problem('error', at.path, problem.message, {
      place: problem.place,
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    }),
  )
}
