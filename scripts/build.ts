// Makes build/keyturn: Keyturn and its packages in a few files, which load in half the time of the nine hundred that they are
// made of. Nothing needs it: where it is missing or older than the sources, bin/keyturn runs these. npm run build
import {
  chmodSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

// As deep as the folders of src, so that what a file finds from its own place (../../package.json) is found from there, too.
const target = 'build/keyturn'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
mkdirSync(dirname(target), { recursive: true })
const made = mkdtempSync(join(dirname(target), 'new-'))
try {
  // For scripts/is-built, and before anything is read: what is edited from now on may not be in the bundle.
  const stamp = join(made, 'stamp')
  writeFileSync(stamp, '')
  writeFileSync(stamp, String(statSync(stamp).ino))
  await bundle(made)
  // Whoever runs it is seldom who installed it.
  chmodSync(made, 0o755)
  rmSync(target, { recursive: true, force: true })
  renameSync(made, target)
} finally {
  rmSync(made, { recursive: true, force: true })
}

async function bundle(folder: string): Promise<void> {
  const threads = globSync('src/**/*-worker.ts').map((path) => [basename(path, '.ts'), path])
  const made = await rolldown({
    input: { main: 'src/main.ts', ...Object.fromEntries(threads) },
    platform: 'node',
    // Binaries that a package loads where they are installed, and does without where they are not.
    external: ['msgpackr-extract', 'pg-native'],
    plugins: [
      { name: 'threads', transform: (code) => code.replaceAll(/(new URL\('\.\/[\w-]+-worker)\.ts'/g, "$1.js'") },
    ],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message)
    },
  })
  await made.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    // With a hash: a daemon that still runs the bundle before this one must not find other files under the names of its own.
    chunkFileNames: '[name]-[hash].js',
    keepNames: true,
  })
  for (const path of globSync('*.js', { cwd: folder })) toAscii(join(folder, path))
}

/** A script with a single other letter takes twice the memory. */
function toAscii(path: string): void {
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replaceAll(/[^\0-\x7f]/g, escaped))
}

/** The same letter, in a literal as in an identifier. */
function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
}
