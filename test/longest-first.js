/**
 * The order in which Jest starts the test files. Long tests start first, so that no single process
 * runs one at the end. Jest does this automatically if it has run before on the same machine. In a
 * fresh clone, Jest knows only the sizes of files, and tests that wait for a peer's timers are small.
 */
import TestSequencer from '@jest/test-sequencer';

/** Approximate seconds, of which only the order matters. Files that are not listed start later. */
const LONG = {
  'test/e2e/doctor.test.ts': 10,
  'test/interop/tun/kernel-network.test.ts': 195,
  'test/interop/tun/kernel.test.ts': 180,
  'test/interop/tun/kernel-routes.test.ts': 145,
  'test/interop/wireguard/foreign-peers.test.ts': 140,
  'test/e2e/debian-package.test.ts': 139,
  'test/interop/doctor.test.ts': 12,
  'test/e2e/doctor-nat.test.ts': 17,
  'test/interop/tun/kernel-ends.test.ts': 115,
  'test/e2e/smoke-soracom.test.ts': 100,
  'test/interop/rivals.test.ts': 20,
  'test/docs/pages.test.ts': 76,
  'test/hostile/clients/connections.test.ts': 75,
  'test/interop/shared-tunnel.test.ts': 72,
  'test/e2e/github-action/killed.test.ts': 60,
  'test/e2e/github-action/job.test.ts': 20,
  'test/deploy/container.test.ts': 60,
  'test/interop/wireguard/foreign-roaming.test.ts': 50,
  'test/interop/exec-netns.test.ts': 42,
  'test/interop/hostile-clients.test.ts': 42,
  'test/e2e/armhf.test.ts': 41,
  'test/interop/wireguard/wireguard-go.test.ts': 40,
  'test/interop/wireguard/clock-and-endpoint.test.ts': 36,
  'test/interop/tun/mode.test.ts': 34,
  'test/e2e/journey.test.ts': 33,
  'test/interop/programs/matrix.test.ts': 31,
  'test/e2e/lambda/smoke-lambda.test.ts': 31,
  'test/e2e/sim.test.ts': 31,
  'test/e2e/renewal.test.ts': 30,
  'test/library/renewal.test.ts': 27,
  'test/e2e/secrets.test.ts': 26,
  'test/e2e/lambda/layer.test.ts': 25,
  'test/e2e/gitlab-ci.test.ts': 22,
  'test/interop/uapi.test.ts': 20,
  'test/tools/release.test.ts': 20,
  'test/interop/wireguard/restart.test.ts': 20,
  'test/interop/wireguard/foreign-load.test.ts': 20,
  'test/interop/send.test.ts': 19,
  'test/interop/tun/iperf.test.ts': 18,
  // A test in virtual time, which is several times slower in a worker that has run many files.
  'test/sim/sim.test.ts': 17,
  'test/lambda/pool/pooled-tunnel.test.ts': 16,
  'test/secrets/memory.test.ts': 15,
  'test/e2e/status.test.ts': 14,
  'test/e2e/capture.test.ts': 13,
  'test/e2e/lambda/failures.test.ts': 13,
  'test/support/lambda/sandbox.test.ts': 12,
  'test/app/session/session-renewal.test.ts': 12,
  'test/fuzz/flood.test.ts': 10,
  'test/tunnel/rivals/rivals.test.ts': 10,
  'test/e2e/up-status.test.ts': 10,
};

export default class LongestFirst extends TestSequencer {
  /** Starts the tests first that failed in the last run, as Jest does by default. */
  sort(tests) {
    const seconds = ({ path }) => LONG[path.slice(path.lastIndexOf('/test/') + 1)] ?? 0;
    const usual = super.sort(tests);
    return usual.toSorted(
      (one, other) =>
        Number(this.hasFailed(other)) - Number(this.hasFailed(one)) ||
        seconds(other) - seconds(one),
    );
  }
}
