import { nodesOf, textOf, treeOf } from '../expression/form.ts'
import type { Expression, IdentityMapping, SourceSettings } from '../model/settings.ts'

/**
 * Every column that the contract or the mapping needs. A feed that lacks one is refused: read as empty, a renamed column
 * would look like a change of everybody.
 */
export function columnsNeeded({ key, contract, identity }: SourceSettings): readonly string[] {
  return [...new Set([key, ...contract.required, ...columnsMapped(identity)])]
}

function columnsMapped(identity: IdentityMapping): readonly string[] {
  const mapped = [...Object.values(identity.attributes), ...Object.values(identity.references)]
  const dates = [identity.startsAt, identity.endsAt, identity.accessEndsAt, identity.zone]
  return [
    ...mapped.flatMap(({ from }) => ('column' in from ? [from.column] : columnsRead(from.expr))),
    ...dates.filter((mapping) => mapping !== undefined).map(({ column }) => column),
    identity.state.column,
  ]
}

/** `["Name"]` for `row.Name.split(",")[0]` and for `row["Name"]`. */
function columnsRead(expression: Expression): readonly string[] {
  return [...nodesOf(treeOf(expression))].flatMap((node) => {
    if (node.op !== '.' && node.op !== '[]') return []
    const [of, name] = node.args
    if (of.op !== 'id' || of.args !== 'row') return []
    const column = typeof name === 'string' ? name : textOf(name)
    return column === null ? [] : [column]
  })
}
