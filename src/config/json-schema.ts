import { z } from 'zod'
import { mainSchema, rolesSchema } from './schema/files.ts'

/** The JSON Schemas for editors, by file name, made from the definitions that check the files. */
export function jsonSchemas(): Readonly<Record<string, object>> {
  return {
    'keyturn.schema.json': schemaOf(mainSchema, 'Keyturn configuration'),
    'roles.schema.json': schemaOf(rolesSchema, 'Keyturn roles'),
  }
}

function schemaOf(schema: z.ZodType, title: string): object {
  return { title, ...z.toJSONSchema(schema, { io: 'input', target: 'draft-7', override: withoutEmptyDefaults }) }
}

/** A default of {} only says that the parts inside have defaults of their own. */
function withoutEmptyDefaults({ jsonSchema }: { jsonSchema: { default?: unknown } }): void {
  if (JSON.stringify(jsonSchema.default) === '{}') delete jsonSchema.default
}
