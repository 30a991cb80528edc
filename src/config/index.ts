export { loadConfig } from './load.ts'
export { starterFiles } from './starter.ts'
