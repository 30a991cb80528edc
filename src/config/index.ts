export { stateFolderOf } from './state-folder.ts'
export { loadConfig } from './load.ts'
export { loadWhenQuiet } from './quiet.ts'
export { starterFiles } from './starter.ts'
