import { defineConfig } from 'vitest/config'

/** What is true of a ledger wherever it is. Left out: what is about SQLite's file, its query plans, and what starts servers of its own. */
const ofAnyLedger =
  'accounts admission admitting aftermath clock holds in-vain intake look-again overrides people processes ' +
  'releasing running-state running-work takeover version work'
const withSamba = ['active-directory', 'active-directory-conformance', 'opening', 'watching'].map(
  (name) => `test/integration/connectors/${name}.test.ts`,
)
// Only what hangs is ended by these: what must be fast is measured where it is tested, and a busy machine takes its time.
const serverTimeouts = { testTimeout: 300_000, hookTimeout: 120_000, teardownTimeout: 30_000 }

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
        },
      },
      {
        // One file at a time: the ports of a Samba domain controller are fixed.
        extends: true,
        test: {
          name: 'samba',
          include: withSamba,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          ...serverTimeouts,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: withSamba,
          // Much of these, too, is waiting for servers.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
          ...serverTimeouts,
        },
      },
      {
        // The same tests of the ledger as in `integration`, on one PostgreSQL server.
        extends: true,
        test: {
          name: 'postgresql',
          include: ofAnyLedger.split(' ').map((name) => `test/integration/ledger/${name}.test.ts`),
          globalSetup: 'test/integration/ledger/postgresql-server.ts',
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          ...serverTimeouts,
        },
      },
      {
        extends: true,
        test: {
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          // Much of a scenario is waiting; more at once would only wait for each other on two cores.
          maxWorkers: 3,
          sequence: { groupOrder: 4 },
          ...serverTimeouts,
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
