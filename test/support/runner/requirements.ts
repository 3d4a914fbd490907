/**
 * Tests that need more than Node: if a requirement is missing they skip with the reason, and in CI
 * they fail.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';

import { isKernelBuilt } from '../kernel-peer/machine.js';
import { memoryLimitObstacle } from '../lambda/confinement/memory-limit.js';
import { isRuntimeClientBuilt } from '../lambda/apis/runtimes.js';
import { privateRun } from '../private-run.js';

type Requirement =
  | 'root'
  | 'linux'
  | 'wireguard-go'
  | 'wg'
  | 'wg-quick'
  | 'ip'
  | 'tc'
  | 'nft'
  | 'curl'
  | 'dig'
  | 'ethtool'
  | 'setpriv'
  | 'setcap'
  | 'iperf3'
  | 'strace'
  | 'jq'
  | 'script'
  | 'bash'
  | 'zsh'
  | 'fish'
  | 'unshare'
  | 'tshark'
  | 'faketime'
  | 'ping'
  | 'dnsmasq'
  | 'systemd-analyze'
  // Either /run is writable, or user namespaces are allowed.
  | 'writable-run'
  | 'systemd-notify'
  | 'systemd-socket-activate'
  // Optional dependencies are missing if npm was run with --omit=optional.
  | 'koffi'
  | 'tun'
  // Every user can open /dev/net/tun, as with Debian's udev rules.
  | 'tun-for-all'
  | 'unzip'
  | 'tar'
  | 'gzip'
  | 'groff'
  | 'mandoc'
  | 'dpkg-deb'
  | 'lintian'
  | 'readelf'
  | 'qemu-aarch64-static'
  | 'qemu-arm-static'
  // Debian's libraries of the other architecture.
  | 'arm64-libraries'
  // build/armhf, made by test/support/armhf/unpack.sh
  | 'armhf-node'
  | 'qemu-system-x86_64'
  // build/kernel-peer, made by test/support/kernel-peer/build.sh
  | 'kernel-peer'
  // dist/executable/*.blob.gz, made by npm run build:executable
  | 'executable'
  // build/lambda-runtime-client, made by test/support/lambda/build-runtime-client.sh
  | 'lambda-runtime-client'
  // build/release, made by npm run release -- --dry-run
  | 'release'
  // ARCTUN_TEST_SECOND_RELEASE, set by npm run test:release
  | 'second-release'
  | 'memory-cgroup'
  // build/system-dns, made by test/support/foreign/system-dns/unpack.sh
  | 'system-dns'
  // build/static-go/fetch, made by test/support/foreign/static-go/build.sh
  | 'static-go'
  | 'dbus-daemon'
  | 'nsenter'
  | 'bwrap'
  | 'runc'
  | 'skopeo'
  | 'kubectl'
  | 'python3'
  | 'chromium'
  | 'firefox-esr'
  | 'zip'
  | 'hey'
  | 'git'
  | 'cc'
  // Of OpenBSD, which knows SOCKS.
  | 'nc'
  | 'ssh'
  | 'sshd'
  | 'mosquitto'
  | 'mosquitto_pub'
  | 'nginx'
  // Debian's server, outside PATH.
  | 'postgres'
  | 'psql'
  | 'chronyd'
  | 'coap-client-notls'
  | 'proxychains4'
  // With SOCKS, for Debian's Python.
  | 'python3-requests'
  | 'python3-aiohttp'
  // With the validator of JSON documents, for Debian's Python.
  | 'python3-cyclonedx'
  | 'mmdebstrap'
  // V8 of Node.js 26 ignores --heap-growing-percent.
  | 'Node.js before 26';

const SYSTEM_DNS = new URL('../../../build/system-dns/ready', import.meta.url);
/** A program without the C library; it fetches `http://HOST/PATH`: its parameters. */
export const STATIC_GO = new URL('../../../build/static-go/fetch', import.meta.url).pathname;
const ARMHF_NODE = new URL('../../../build/armhf/recipe', import.meta.url);
const EXECUTABLE_BLOB = new URL('../../../dist/executable/arctun-x86_64.blob.gz', import.meta.url);
const RELEASE = new URL('../../../build/release/SHA256SUMS', import.meta.url);

/** The requirements of the Lambda emulator's sandbox, and of one with a private root. */
export const LAMBDA_SANDBOX = ['linux', 'setpriv'] as const;
export const LAMBDA_PRIVATE_ROOT = [...LAMBDA_SANDBOX, 'root', 'unshare', 'nsenter'] as const;

/** The requirements of a tunnel at a network interface, with a WireGuardGoServer. */
export const TUN_MODE = [
  'root',
  'linux',
  'koffi',
  'tun',
  'wireguard-go',
  'wg',
  'ip',
  'ethtool',
] as const;

/** Commands that succeed if the requirement is met, where its name is not a command itself. */
const COMMANDS: { readonly [name in Requirement]?: string } = {
  postgres: 'command -v /usr/lib/postgresql/*/bin/postgres',
  'python3-requests': "/usr/bin/python3 -c 'import requests, socks'",
  'python3-aiohttp': "/usr/bin/python3 -c 'import aiohttp, aiohttp_socks'",
  'python3-cyclonedx': "/usr/bin/python3 -c 'import cyclonedx.validation.json, jsonschema'",
  'Node.js before 26': `node -e 'process.exit(Number(parseInt(process.versions.node) >= 26))'`,
};

function has(requirement: Requirement): boolean {
  if (requirement === 'root') return process.getuid?.() === 0;
  if (requirement === 'linux') return process.platform === 'linux';
  if (requirement === 'kernel-peer') return isKernelBuilt();
  if (requirement === 'executable') return existsSync(EXECUTABLE_BLOB);
  if (requirement === 'release') return existsSync(RELEASE);
  if (requirement === 'second-release') return process.env.ARCTUN_TEST_SECOND_RELEASE !== undefined;
  if (requirement === 'lambda-runtime-client') return isRuntimeClientBuilt();
  if (requirement === 'system-dns') return existsSync(SYSTEM_DNS);
  if (requirement === 'armhf-node') return existsSync(ARMHF_NODE);
  if (requirement === 'static-go') return existsSync(STATIC_GO);
  if (requirement === 'memory-cgroup') return memoryLimitObstacle() === undefined;
  if (requirement === 'koffi') return hasModule('koffi');
  if (requirement === 'arm64-libraries')
    return existsSync('/usr/aarch64-linux-gnu/lib/libstdc++.so.6');
  if (requirement === 'writable-run') return privateRun() !== undefined;
  if (requirement === 'tun') return existsSync('/dev/net/tun');
  if (requirement === 'tun-for-all')
    return existsSync('/dev/net/tun') && (statSync('/dev/net/tun').mode & 0o006) === 0o006;
  try {
    execFileSync('sh', ['-c', COMMANDS[requirement] ?? `command -v ${requirement}`], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

function hasModule(name: string): boolean {
  try {
    createRequire(import.meta.url)(name);
    return true;
  } catch {
    return false;
  }
}

/** Returns the requirements that this machine or user does not meet. */
export function missingOf(requirements: readonly Requirement[]): readonly Requirement[] {
  return requirements.filter((requirement) => !has(requirement));
}

export function describeWith(
  requirements: readonly Requirement[],
  name: string,
  body: () => void,
): void {
  const missing = missingOf(requirements);
  if (missing.length === 0) {
    describe(name, body);
  } else if (process.env.CI === 'true') {
    describe(name, () => {
      it('has what it needs', () => {
        throw new Error(`missing in CI: ${missing.join(', ')}`);
      });
    });
  } else {
    // Jest does not list a file whose tests are all skipped, so the reason is printed here.
    console.warn(`skipped: ${name}: needs ${missing.join(', ')}`);
    describe.skip(`${name} (skipped: needs ${missing.join(', ')})`, body);
  }
}
