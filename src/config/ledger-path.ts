import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Cursor } from './cursor.ts'
import { YamlFile } from './yaml.ts'

const usual = 'sqlite:var/keyturn.db'

/** Where keyturn.yaml says that the ledger is, before anything is known to be right; the usual place where it says nothing. */
export async function ledgerPathOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const said = Cursor.of(new YamlFile(file, text)).get('state').get('ledger').text ?? ''
  return resolve(dirname(file), (said.startsWith('sqlite:') ? said : usual).slice('sqlite:'.length))
}
