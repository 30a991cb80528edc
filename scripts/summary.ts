// Prints "N passed, N failed" from vitest's JSON report and exits as vitest did. Without a report there is no line:
// better none than a made-up one.
import { existsSync, readFileSync } from 'node:fs'

interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

const [file = '', statusText = ''] = process.argv.slice(2)
const status = Number(statusText)
if (!existsSync(file)) {
  console.error(`vitest ended with status ${status} and left no report: nothing is known about the tests`)
  process.exit(status === 0 ? 1 : status)
}

const report: Report = JSON.parse(readFileSync(file, 'utf8'))
const brokenFiles = report.testResults.filter(
  (one) => one.status === 'failed' && !one.assertionResults.some((test) => test.status === 'failed'),
).length
let failed = report.numFailedTests + brokenFiles
if (brokenFiles > 0) console.log(`test files that failed outside of their tests, each counted as one: ${brokenFiles}`)
if (status !== 0 && failed === 0) {
  console.log(`vitest ended with status ${status} though no test failed (see above): counted as one failure`)
  failed = 1
}
const skipped = report.numPendingTests + report.numTodoTests
if (skipped > 0) console.log(`skipped: ${skipped}`)
console.log(`${report.numPassedTests} passed, ${failed} failed`)
process.exit(status === 0 && failed > 0 ? 1 : status)
