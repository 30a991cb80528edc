import { fileURLToPath } from 'node:url'
import type { Company } from './company.ts'
import type { Screen } from './screen.ts'

/** What can be tried in a company that is kept, and how to end it. Every line can be pasted into a shell. */
export function lookAround(company: Company, { paint }: Screen): string {
  const { folder, server, suffix, places, password } = company
  const keyturn = `${fileURLToPath(new URL('../../bin/keyturn', import.meta.url))} --config ${company.config}`
  const search = `ldapsearch -LLL -o ldif-wrap=no -x -H ${server.url} -D "${places.manager}" -y ${password.file} -b ${suffix}`
  const lines: readonly (readonly [string, string])[] = [
    [
      'who has left, and how the account is shut',
      `${search} -s sub "(pwdAccountLockedTime=*)" uid pwdAccountLockedTime`,
    ],
    ['who is in a group', `${search} "(cn=support)" member`],
    ['what stands in the feed', `head ${company.feed}`],
    ['why somebody has what she has', `${keyturn} explain E000005`],
    ['how everything stands', `${keyturn} status`],
    ['change the feed, then see what would happen', `sed -i '2,12s/,Active$/,Leave/' ${company.feed}; ${keyturn} plan`],
    ['do it', `${keyturn} apply`],
    ['end it', `kill ${server.pid}; rm -rf ${folder}`],
  ]
  const told = lines.map(([what, command]) => `${paint.dim(`# ${what}`)}\n${command}`)
  return `\n${paint.bold('Everything is still running. Look around:')}\n\n${told.join('\n')}`
}
