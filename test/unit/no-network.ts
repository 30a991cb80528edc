// Unit tests do no I/O. A connection attempt, by whatever client, ends here.
import { Socket } from 'node:net'

Socket.prototype.connect = function refuse(): never {
  throw new Error('a unit test tried to open a network connection')
}
