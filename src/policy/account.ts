import { compileExpression, referencesOnly } from '../expression/index.ts'
import type { ExpressionScope, ExpressionVariables } from '../expression/index.ts'
import type { DesiredAccount, DesiredAttribute, DesiredValue } from '../model/account.ts'
import type { Identity } from '../model/identity.ts'
import type { Reason } from '../model/place.ts'
import type { AccountAttributeSettings, AccountSettings, LeaverSettings, PlatformSettings } from '../model/settings.ts'
import { compileNames } from './names.ts'
import { spellings } from './spelling.ts'
import type { Vocabulary } from './vocabulary.ts'

/** How accounts of one platform are made of people: the `accounts` part of the configuration, compiled. */
export interface AccountRules {
  readonly platform: string
  readonly leaver: LeaverSettings
  matches(identity: Identity): DesiredAccount['matches']
  names(variables: ExpressionVariables): Iterable<string>
  container(variables: ExpressionVariables, name: string): string
  attributes(identity: Identity, variables: ExpressionVariables, name: string): readonly DesiredAttribute[]
}

type MakeAttribute = (identity: Identity, variables: ExpressionVariables) => DesiredAttribute

export function compileAccount(settings: PlatformSettings, vocabulary: Vocabulary): AccountRules {
  const { accounts, id, kind, leaver } = settings
  const matchers = accounts.match.map(({ account, person, ...rest }) => ({
    person,
    match: { attribute: account, ...rest },
  }))
  const makers = Object.entries(accounts.attributes).map(([name, attribute]) =>
    attributeOf(name, attribute, vocabulary),
  )
  return {
    platform: id,
    leaver,
    matches: ({ key, attributes }) =>
      matchers.map(({ person, match }) => ({
        ...match,
        value: person === 'key' ? key : (attributes[person] ?? ''),
      })),
    names: compileNames(accounts.name, vocabulary.name, spellings[kind]),
    container: containerOf(accounts.container, vocabulary.account),
    attributes: (identity, variables, name) => makers.map((make) => make(identity, { ...variables, name })),
  }
}

function containerOf(
  container: AccountSettings['container'],
  scope: ExpressionScope,
): (variables: ExpressionVariables, name: string) => string {
  if ('fixed' in container) return () => container.text
  const evaluate = compileExpression(container, scope, 'string')
  return (variables, name) => evaluate({ ...variables, name })
}

/** `person.manager` of a declared reference means that person's account; everything else is text. */
function attributeOf(
  name: string,
  { value, write, empty }: AccountAttributeSettings,
  vocabulary: Vocabulary,
): MakeAttribute {
  const reason: Reason = { kind: 'setting', text: `${name}: ${value.text}`, place: value.place }
  const reference = referencesOnly(value)
  const valueOf =
    reference !== null && vocabulary.references.has(reference) ? referTo(reference) : textBy(value, vocabulary.account)
  return (identity, variables) => ({ name, value: valueOf(identity, variables), write, empty, reason })
}

type ValueOf = (identity: Identity, variables: ExpressionVariables) => DesiredValue

function referTo(reference: string): ValueOf {
  return ({ references }) => {
    const other = references[reference] ?? null
    return other === null ? [] : { accountOf: other }
  }
}

function textBy(value: AccountAttributeSettings['value'], scope: ExpressionScope): ValueOf {
  const evaluate = compileExpression(value, scope, 'string')
  return (_, variables) => {
    const text = evaluate(variables)
    return text === '' ? [] : [text]
  }
}
