// Makes build/keyturn: Keyturn and its packages in a few files, which load in half the time of the nine hundred that they are
// made of. Nothing needs it: where it is missing or older than the sources, bin/keyturn runs these. npm run build
import { globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

// As deep as the folders of src, so that what a file finds from its own place (../../package.json) is found from there, too.
const target = 'build/keyturn'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const threads = globSync('src/**/*-worker.ts').map((path) => [basename(path, '.ts'), path])
const bundle = await rolldown({
  input: { main: 'src/main.ts', ...Object.fromEntries(threads) },
  platform: 'node',
  // Binaries that a package loads where they are installed, and does without where they are not.
  external: ['msgpackr-extract', 'pg-native'],
  plugins: [{ name: 'threads', transform: (code) => code.replaceAll(/(new URL\('\.\/[\w-]+-worker)\.ts'/g, "$1.js'") }],
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message)
  },
})
mkdirSync(dirname(target), { recursive: true })
const made = mkdtempSync(join(dirname(target), 'new-'))
try {
  await bundle.write({
    dir: made,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    keepNames: true,
  })
  rmSync(target, { recursive: true, force: true })
  renameSync(made, target)
} finally {
  rmSync(made, { recursive: true, force: true })
}
