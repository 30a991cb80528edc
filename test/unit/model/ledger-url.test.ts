import { describe, expect, test } from 'vitest'
import { isPostgres, parsePostgres, placeOf } from '../../../src/model/ledger-url.ts'

const remote = { user: 'keyturn', host: 'db.example', port: 5432, database: 'keyturn', tls: true, files: {} }

describe('the address of a ledger on PostgreSQL', () => {
  test.each([
    ['postgres://keyturn@db.example/keyturn', remote],
    ['postgresql://keyturn@db.example:5433/keyturn', { ...remote, port: 5433 }],
    ['postgres://keyturn:s%40fe%2F%25@db.example/keyturn', { ...remote, password: 's@fe/%' }],
    ['postgres://keyturn:100%@db.example/keyturn', { ...remote, password: '100%' }],
    ['postgres://keyturn@db.example/keyturn?sslmode=disable', { ...remote, tls: false }],
    ['postgres://keyturn@127.0.0.1/keyturn', { ...remote, host: '127.0.0.1', tls: false }],
    ['postgres://keyturn@[::1]/keyturn', { ...remote, host: '::1', tls: false }],
    ['postgres://keyturn@localhost/keyturn?sslmode=verify-full', { ...remote, host: 'localhost' }],
    ['postgres://keyturn@/keyturn?host=/run/postgresql', { ...remote, host: '/run/postgresql', tls: false }],
    ['postgres://keyturn@:5433/k?host=/run', { ...remote, host: '/run', port: 5433, database: 'k', tls: false }],
    [
      'postgres://keyturn@db.example/keyturn?sslrootcert=/etc/ca.pem&sslcert=/etc/c.pem&sslkey=/etc/k.pem',
      { ...remote, files: { ca: '/etc/ca.pem', certificate: '/etc/c.pem', key: '/etc/k.pem' } },
    ],
  ])('%s', (url, expected) => {
    expect(isPostgres(url)).toBe(true)
    expect(parsePostgres(url)).toEqual(expected)
  })

  test.each([
    ['postgres:keyturn', 'it is no address of the form postgres://USER@HOST/DATABASE'],
    ['postgres://secret@db:x/keyturn', 'it is no address of the form postgres://USER@HOST/DATABASE'],
    ['postgres://db.example/keyturn', 'it names no user, needed is postgres://USER@HOST/DATABASE'],
    ['postgres://:secret@db.example/keyturn', 'it names no user, needed is postgres://USER@HOST/DATABASE'],
    ['postgres://keyturn:secret@db.example', 'it names no database, needed is postgres://USER@HOST/DATABASE'],
    ['postgres://keyturn:secret@db.example/a/b', 'it names no database, needed is postgres://USER@HOST/DATABASE'],
    ['postgres://keyturn:secret@/keyturn', 'it names no host, needed is postgres://USER@HOST/DATABASE'],
    [
      'postgres://keyturn@db.example/keyturn?password=secret',
      'it has another parameter than host, sslmode, sslrootcert, sslcert, sslkey',
    ],
    [
      'postgres://keyturn@db.example/keyturn?sslmode=require',
      'its sslmode is neither verify-full nor disable: a server that is not verified may be anybody',
    ],
    ['postgres://keyturn@db.example/keyturn?sslrootcert=ca.pem', 'its sslrootcert is no absolute path'],
  ])('%s is wrong', (url, expected) => {
    expect(parsePostgres(url)).toBe(expected)
  })

  test('is told without its password', () => {
    const address = parsePostgres('postgres://keyturn:secret@db.example/keyturn')
    expect(placeOf(address as never)).toBe('keyturn at db.example:5432')
    expect(placeOf(parsePostgres('postgres://keyturn@/keyturn?host=/run/postgresql') as never)).toBe(
      'keyturn at /run/postgresql',
    )
  })
})
