// A registry need not hold every platform's build of an optional native package. npm then leaves that build out of
// package-lock.json, and the next `npm ci` refuses the lock file as incomplete, on every machine. This adds the missing
// entries, without a checksum because nobody here could fetch the file. Run it as `npm run lock` after `npm install`.
import { readFileSync, writeFileSync } from 'node:fs'

interface Entry {
  version?: string
  dev?: boolean
  optional?: boolean
  cpu?: string[]
  os?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32', 'aix']
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

function platformOf(name: string): Pick<Entry, 'cpu' | 'os' | 'libc'> | undefined {
  const words = name.split(/[-/]/)
  const os = words.filter((word) => systems.includes(word))
  const cpu = words.filter((word) => processors.includes(word))
  if (os.length !== 1 || cpu.length !== 1) return undefined
  const libc = os[0] !== 'linux' ? [] : words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : []
  return { cpu, os, ...(libc.length > 0 ? { libc } : {}) }
}

function missingFrom(packages: Record<string, Entry>): Record<string, Entry> {
  const missing: Record<string, Entry> = {}
  for (const [path, parent] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      if (packages[`${path}/node_modules/${name}`] !== undefined) continue
      const hoisted = packages[`node_modules/${name}`] ?? missing[`node_modules/${name}`]
      if (hoisted?.version === version) continue
      if (!/^\d+\.\d+\.\d+$/.test(version)) continue
      const place = hoisted === undefined ? `node_modules/${name}` : `${path}/node_modules/${name}`
      const dev = parent.dev === true ? { dev: true } : {}
      missing[place] = { version, ...dev, optional: true, ...platformOf(name) }
    }
  }
  return missing
}

const file = new URL('../package-lock.json', import.meta.url)
const lock: { packages: Record<string, Entry> } = JSON.parse(readFileSync(file, 'utf8'))
const missing = missingFrom(lock.packages)
if (Object.keys(missing).length > 0) {
  const byPath = ([a]: [string, Entry], [b]: [string, Entry]) => a.localeCompare(b, 'en')
  lock.packages = Object.fromEntries(Object.entries({ ...lock.packages, ...missing }).toSorted(byPath))
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}
console.log(`package-lock.json: ${Object.keys(missing).length} builds for other platforms added`)
