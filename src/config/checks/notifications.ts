import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'
import { isLoopback } from '../loopback.ts'
import type { Parts } from './files.ts'

/** Where messages go: do they travel readable, and does an address stand there that is a secret? */
export function checkNotifications({ main }: Parts): readonly Problem[] {
  if (main === null) return []
  const notifications = main.get('notifications')
  return [...mailProblems(notifications.get('mail')), ...notifications.get('webhooks').items().flatMap(webhookProblems)]
}

function mailProblems(mail: Cursor): readonly Problem[] {
  const [host, security, user, password] = ['host', 'security', 'user', 'password'].map((key) => mail.get(key))
  const problems: Problem[] = []
  if (security?.text === 'none' && host?.text !== undefined && !isLoopback(host.text)) {
    const message = `none is given, which would send to another machine (${host.text}) readable; allowed is tls or starttls`
    problems.push(security.error(message))
  }
  if (user?.exists === true && password?.exists === false) {
    problems.push(user.error('user is given without password', { at: 'key', hint: 'Write password: env:NAME.' }))
  }
  if (password?.exists === true && user?.exists === false) {
    problems.push(password.error('password is given without user', { at: 'key' }))
  }
  return problems
}

const reference = /^(?:env|file):/
const secretHint = 'Put the address into a variable or a file (chmod 600), and write env:NAME or file:PATH.'

function webhookProblems(webhook: Cursor): readonly Problem[] {
  const url = webhook.get('url')
  const shape = webhook.get('shape').text ?? 'keyturn'
  if (url.text === undefined || url.text === '') return []
  const unsigned = shape === 'keyturn' && !webhook.get('secret').exists
  return [
    ...(reference.test(url.text) ? referenceProblems(url) : addressProblems(url, url.text, shape)),
    ...(unsigned ? [url.warning('no secret is given: the receiver cannot tell who wrote a message', signHint)] : []),
  ]
}

const signHint = { hint: 'Write secret: env:NAME; each message is then signed with it.' }

function referenceProblems(url: Cursor): readonly Problem[] {
  if (/^(?:env:[A-Za-z_]\w*|file:.+)$/.test(url.text ?? '')) return []
  return [url.error('a reference without a name is given, allowed is env:NAME or file:PATH')]
}

/** No message repeats the address: it may be the secret that was meant to stand elsewhere. */
function addressProblems(url: Cursor, text: string, shape: string): readonly Problem[] {
  if (shape === 'slack' || shape === 'teams') {
    const message = `an address is given, which is itself the secret with shape: ${shape}; allowed is env:NAME or file:PATH`
    return [url.error(message, { hint: secretHint })]
  }
  const address = URL.parse(text)
  if (address === null || !/^https?:$/.test(address.protocol)) {
    return [url.error('a text that is no web address is given, allowed is https://…, env:NAME or file:PATH')]
  }
  if (address.username !== '' || address.password !== '') {
    return [
      url.error('the address holds a password, allowed is a reference to the whole address', { hint: secretHint }),
    ]
  }
  if (address.protocol === 'https:' || isLoopback(address.hostname)) return []
  return [url.error('plain http:// to another machine is given, allowed is https://')]
}
