import { defineConfig } from 'vitest/config'

/** What is true of a ledger wherever it is. Left out: what is about SQLite's file, its query plans, and what starts servers of its own. */
const ofAnyLedger =
  'accounts admission admitting aftermath clock hindrances holds in-vain intake look-again overrides people processes ' +
  'releasing running-state running-work takeover version work'
/** What starts servers. Much of it is waiting for them; more at once would only wait for each other on two cores. */
const withServers = {
  maxWorkers: 3,
  sequence: { groupOrder: 1 },
  // Only what hangs is ended by these: what must be fast is measured where it is tested, and a busy machine takes its time.
  testTimeout: 300_000,
  hookTimeout: 120_000,
  teardownTimeout: 30_000,
}

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/unit/no-network.ts'],
          // Searches of thousands of interleavings take seconds, and a machine may be busy.
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
          // A process for each file takes longer than most files do, and code without I/O leaves nothing to the next one.
          isolate: false,
        },
      },
      // The longest first.
      {
        extends: true,
        test: { name: 'scenarios', include: ['test/scenarios/**/*.test.ts'], ...withServers },
      },
      {
        extends: true,
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...withServers },
      },
      {
        // The same tests of the ledger as in `integration`, on one PostgreSQL server.
        extends: true,
        test: {
          name: 'postgresql',
          include: ofAnyLedger.split(' ').map((name) => `test/integration/ledger/${name}.test.ts`),
          globalSetup: 'test/integration/ledger/postgresql-server.ts',
          ...withServers,
        },
      },
    ],
    // Asked for by `npm run coverage`, and only of the stages that decide.
    coverage: {
      provider: 'v8',
      include: ['src/policy/**/*.ts', 'src/plan/**/*.ts', 'src/intake/**/*.ts'],
      reporter: ['text', 'html'],
      thresholds: { branches: 100 },
    },
  },
})
