// Writes config/schema/*.json from the definitions in src/config/schema: npm run schema
import { mkdirSync, writeFileSync } from 'node:fs'
import { jsonSchemas } from '../src/config/json-schema.ts'

const folder = new URL('../config/schema/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, schema] of Object.entries(jsonSchemas())) {
  writeFileSync(new URL(name, folder), `${JSON.stringify(schema, null, 2)}\n`)
}
