import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { stateFolder } from './build/state.ts'
import { Cursor } from './cursor.ts'
import { YamlFile } from './yaml.ts'

const usual = 'sqlite:var/keyturn.db'

/** Where keyturn.yaml says that this machine keeps its state, before anything is known to be right; else the usual place. */
export async function stateFolderOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const state = Cursor.of(new YamlFile(file, text)).get('state')
  return stateFolder(dirname(file), { ledger: state.get('ledger').text ?? usual, folder: state.get('folder').text })
}
