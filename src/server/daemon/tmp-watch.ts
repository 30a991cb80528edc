import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
export function watchFiles(
  files: readonly { path: string }[],
  o: { onChange: (path: string, how: 'renamed' | 'written') => void; logger: unknown },
) {
  const ws = files.map(({ path }) =>
    watch(dirname(path), (e, name) => {
      if (name === basename(path) && e === 'rename') o.onChange(path, 'renamed')
    }),
  )
  return { [Symbol.asyncDispose]: async () => ws.forEach((w) => w.close()) }
}
