import type { Problem } from '../model/place.ts'
import type { Settings } from '../model/settings.ts'
import { buildSettings } from './build/settings.ts'
import { checkExpressions } from './checks/expressions.ts'
import type { Parts } from './checks/files.ts'
import { checkNotifications } from './checks/notifications.ts'
import { checkPlatforms } from './checks/platforms.ts'
import { checkRetired } from './checks/retired.ts'
import { checkRoles } from './checks/roles.ts'
import { checkSafety } from './checks/safety.ts'
import { checkSources } from './checks/sources.ts'
import { checkState } from './checks/state.ts'
import { Cursor } from './cursor.ts'
import { mainSchema, rolesSchema } from './schema/files.ts'
import { checkShape } from './shape.ts'
import { YamlFile } from './yaml.ts'

const checks = [
  checkState,
  checkSources,
  checkPlatforms,
  checkRoles,
  checkSafety,
  checkNotifications,
  checkRetired,
  checkExpressions,
]

/** One file as it was read: its name as it is shown to people, and its text. */
export interface TextFile {
  readonly name: string
  readonly text: string
}

/** Settings, or null with at least one error; and every problem of every file. */
export interface Interpretation {
  readonly settings: Settings | null
  readonly problems: readonly Problem[]
}

/**
 * What keyturn.yaml and the role files mean together. Pure: paths count from `folder` (absolute), and nothing is read.
 * Every check runs on what the others leave standing, so that one run tells all there is to correct.
 */
export function interpret(main: TextFile, roles: readonly TextFile[], folder: string): Interpretation {
  const mainFile = new YamlFile(main.name, main.text)
  const roleFiles = roles.map(({ name, text }) => new YamlFile(name, text))
  const shape = mainFile.intact ? checkShape(mainFile, mainSchema) : null
  const roleShapes = roleFiles
    .filter(({ intact }) => intact)
    .map((file) => ({ file, ...checkShape(file, rolesSchema) }))
  const parts: Parts = {
    main: mainFile.intact ? Cursor.of(mainFile) : null,
    roles: roleShapes.map(({ file }) => Cursor.of(file)),
    allRoles: roleFiles.every(({ intact }) => intact),
  }
  const problems = inOrder([
    ...[mainFile, ...roleFiles].flatMap((file) => file.problems),
    ...(shape?.problems ?? []),
    ...roleShapes.flatMap((one) => one.problems),
    ...checks.flatMap((check) => check(parts)),
  ])
  const whole = roleShapes.flatMap(({ file, value }) => (value === null ? [] : [{ file, value }]))
  if (shape === null || shape.value === null || problems.some(({ severity }) => severity === 'error')) {
    return { settings: null, problems }
  }
  return { settings: buildSettings({ file: mainFile, value: shape.value }, whole, folder), problems }
}

/** By file in the order given, then from top to bottom. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map(({ place }) => place.file))]
  return problems.toSorted(
    ({ place: a }, { place: b }) =>
      files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || (a.column ?? 0) - (b.column ?? 0),
  )
}

/** The folder of the role files as keyturn.yaml names it, before anything is known to be right. */
export function rolesFolder({ name, text }: TextFile): string {
  return Cursor.of(new YamlFile(name, text)).get('roles').text || 'roles'
}
