/** Other commands of Debian: ssh, git, psql, MQTT, DNS, NTP, CoAP, proxychains4 and a browser. */
import { join } from 'node:path';

import {
  CLIENT_INSIDE,
  CLIENT_OUTSIDE,
  SERVICE,
} from '../../../support/foreign/wireguard-go-server.js';
import type { Finished } from '../../../support/processes.js';
import { answerTo, type ProgramLab, sha256 } from '../program-lab.js';
import type { ProgramRow } from '../row.js';
import { transfer } from './curl.js';

const SSH = { program: 'ssh', version: '10.0', debian: 'openssh-client' } as const;
const GIT = { program: 'git', version: '2.47', debian: 'git' } as const;
const MOSQUITTO = {
  program: 'mosquitto_sub',
  version: '2.0',
  debian: 'mosquitto-clients',
} as const;
const COAP = { program: 'coap-client', version: '4.3', debian: 'libcoap3-bin' } as const;
const TEXT = 'a line that is echoed by cat. '.repeat(100_000);

/** Sends 3 MB to \`cat\` on the other side, and receives them. */
async function echoesWithSsh(lab: ProgramLab, type: string): Promise<void> {
  const { code, stdout, stderr } = await lab.shell(type, ['cat; exit 3'], { input: TEXT });
  expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
  expect(sha256(stdout)).toBe(sha256(TEXT));
}

/** Clones a repository with a file of 1 MB. */
async function clones(lab: ProgramLab, type: string): Promise<void> {
  await lab.shell('rm -rf project');
  const { code, stderr } = await lab.shell(type, ['-q']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { stdout } = await lab.shell('cat project/large');
  expect(sha256(stdout)).toBe(sha256(Buffer.alloc(1_000_000, 'a line of a large file. ')));
}

/** Subscribes with the typed command, publishes with the same options, and receives the message. */
async function publishes(lab: ProgramLab, type: string): Promise<void> {
  const subscriber = lab.start(['bash', '-c', `exec stdbuf -oL ${type} -C 1 -d`]);
  await subscriber.output(/SUBACK/);
  const publish = type
    .replace('mosquitto_sub', 'mosquitto_pub')
    .replace(/'commands.*'/, 'commands/1');
  expect(await lab.shell(publish, ['-m', 'a message'])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
  const { code, stdout } = await subscriber.finished;
  expect(code).toBe(0);
  expect(stdout).toContain('a message');
}

/** Opens a page with Chromium. @returns its text */
async function browse(lab: ProgramLab, type: string): Promise<string> {
  const profile = join(lab.home, 'chromium');
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--dump-dom', '--no-first-run'];
  // Chromium's own requests to Google, which the PAC file does not send into the tunnel.
  flags.push('--disable-background-networking', '--disable-component-update', '--disable-sync');
  flags.push(`--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE ${CLIENT_OUTSIDE}`);
  const words = [...flags, `--user-data-dir=${profile}`];
  return (await lab.shell(type, words)).stdout;
}

/** A name and an address inside the tunnel, and an address of this machine, which is outside. */
async function browsesInsideOnly(lab: ProgramLab, type: string): Promise<void> {
  const inside = 'http://uni.soracom.io/';
  const outside = `http://${CLIENT_OUTSIDE}:8080/`;
  await lab.local('http-peer.js', CLIENT_OUTSIDE, '8080');
  const page = answerTo(Buffer.alloc(0)).sha256;
  for (const url of [inside, `http://${SERVICE}/`, outside])
    expect(await browse(lab, type.replace(inside, url))).toContain(page);
  expect(lab.upOutput).toContain('"target":"uni.soracom.io:80"');
  expect(lab.upOutput).not.toContain(`${CLIENT_OUTSIDE}:8080`);
}

/** Stores a value of several blocks, and reads it back. */
async function storesWithCoap(
  type: string,
  run: (command: string) => Promise<Finished>,
): Promise<void> {
  const value = 'a value of several blocks. '.repeat(100).trim();
  expect(await run(type.replace('hello', `'${value}'`))).toMatchObject({ code: 0 });
  const { code, stdout } = await run(type.replace('-m put -e hello', '-m get'));
  expect({ code, stdout: stdout.trim() }).toEqual({ code: 0, stdout: value });
}

export const COMMAND_ROWS: readonly ProgramRow[] = [
  {
    ...SSH,
    way: '`connect`',
    type: "ssh -o ProxyCommand='arctun connect %h %p' device.example",
    check: echoesWithSsh,
  },
  {
    ...SSH,
    way: '`-L`',
    type: 'ssh -p 2222 127.0.0.1',
    caveat: 'use `HostKeyAlias` to check the host key',
    check: echoesWithSsh,
  },
  {
    ...SSH,
    way: '`-R`, from inside',
    type: `ssh ${CLIENT_INSIDE}`,
    caveat: 'use the address of your SIM',
    check: async (lab, type) => {
      const options = `-F '${lab.home}/ssh_config' -i '${lab.server.folder}/user.key'`;
      const command = type.replace('ssh', `ssh ${options}`);
      const { code, stdout } = await lab.runInside(
        'sh',
        '-c',
        `${command} 'head -c 3000000 /dev/zero | sha256sum; exit 3'`,
      );
      expect(code).toBe(3);
      expect(stdout.slice(0, 64)).toBe(sha256(Buffer.alloc(3_000_000)));
    },
  },
  {
    ...GIT,
    way: 'SOCKS5',
    type: 'git -c http.proxy=socks5h://127.0.0.1:1080 clone http://git.example/project.git',
    check: clones,
  },
  {
    ...GIT,
    way: 'HTTP proxy',
    type: 'git -c http.proxy=http://127.0.0.1:1080 clone http://git.example/project.git',
    check: clones,
  },
  {
    ...GIT,
    way: 'ssh and `connect`',
    type: 'git -c core.sshCommand="ssh -o ProxyCommand=\'arctun connect %h %p\'" clone device.example:/srv/project.git',
    check: (lab, type) => clones(lab, type.replace('/srv', lab.repositories)),
  },
  {
    program: 'nc (OpenBSD)',
    version: '1.229',
    debian: 'netcat-openbsd',
    way: 'SOCKS5',
    type: 'nc -X 5 -x 127.0.0.1:1080 uni.soracom.io 80',
    check: async (lab, type) => {
      const input = 'POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello';
      const { code, stdout } = await lab.shell(type, [], { input });
      expect(code).toBe(0);
      expect(stdout).toContain(JSON.stringify(answerTo(Buffer.from('hello'))));
    },
  },
  {
    program: 'psql',
    version: '17',
    debian: 'postgresql-client-17',
    way: '`-L`',
    type: 'psql -h 127.0.0.1 -p 15432 -U sensor readings',
    check: async (lab, type) => {
      const query =
        "SELECT count(*), md5(string_agg(n::text, ',')) FROM generate_series(1, 100000) n";
      const { code, stdout, stderr } = await lab.shell(type, ['-Atc', query], {
        env: { PGPASSWORD: 'secret' },
      });
      expect({ code, stdout: stdout.slice(0, 7), stderr }).toEqual({
        code: 0,
        stdout: '100000|',
        stderr: '',
      });
    },
  },
  {
    ...MOSQUITTO,
    way: 'SOCKS5',
    type: "mosquitto_sub --proxy socks5h://127.0.0.1:1080 -h beam.soracom.io -t 'commands/#'",
    check: publishes,
  },
  {
    ...MOSQUITTO,
    way: '`-L`',
    type: "mosquitto_sub -h 127.0.0.1 -t 'commands/#'",
    check: publishes,
  },
  {
    program: 'dig',
    version: '9.20',
    debian: 'bind9-dnsutils',
    way: '`--dns-listen`',
    type: 'dig @127.0.0.1 -p 5353 uni.soracom.io',
    check: async (lab, type) => {
      for (const transport of ['+notcp', '+tcp']) {
        const words = ['+short', transport, '+tries=1', '+time=20'];
        expect(await lab.shell(type, words)).toEqual({
          code: 0,
          stdout: `${SERVICE}\n`,
          stderr: '',
        });
      }
    },
  },
  {
    program: 'chronyd',
    version: '4.6',
    debian: 'chrony',
    way: '`-L` with UDP',
    type: "chronyd -Q 'server 127.0.0.1 port 1123 iburst'",
    caveat: 'without `-Q`, chronyd needs root to set the clock',
    check: async (lab, type) => {
      const { code, stderr } = await lab.start(['bash', '-c', `exec ${type}`]).finished;
      const [, seconds] = /System clock wrong by (-?[\d.]+) seconds/.exec(stderr) ?? [];
      expect(code).toBe(0);
      // Both sides have the same clock.
      expect(Math.abs(Number(seconds))).toBeLessThan(1);
    },
  },
  {
    ...COAP,
    way: '`-L` with UDP',
    type: 'coap-client-notls -m put -e hello coap://127.0.0.1/example_data',
    check: (lab, type) => storesWithCoap(type, (command) => lab.shell(command)),
  },
  {
    ...COAP,
    way: '`-R` with UDP, from inside',
    type: `coap-client-notls -m put -e hello coap://${CLIENT_INSIDE}/example_data`,
    caveat: 'use the address of your SIM',
    check: (lab, type) => storesWithCoap(type, (command) => lab.runInside('sh', '-c', command)),
  },
  {
    program: 'proxychains4',
    version: '4.17',
    debian: 'proxychains4',
    way: 'SOCKS5',
    type: 'proxychains4 -q -f proxychains.conf curl http://uni.soracom.io/',
    caveat: '`proxychains.conf`: `proxy_dns`, `[ProxyList]`, `socks5 127.0.0.1 1080`, one per line',
    check: async (lab, type) => {
      lab.file('proxychains.conf', 'proxy_dns\n[ProxyList]\nsocks5 127.0.0.1 1080\n');
      await transfer(type, lab);
    },
  },
  {
    program: 'hey',
    version: '0.1',
    debian: 'hey',
    way: '`exec --netns`',
    type: 'arctun exec --netns -- hey -n 40 http://uni.soracom.io/',
    check: {
      file: 'exec-netns.test.ts',
      test: 'runs hey, whose sockets do not use the C library',
    },
  },
  {
    program: 'nc (OpenBSD)',
    version: '1.229',
    debian: 'netcat-openbsd',
    way: '`exec --netns`',
    type: 'arctun exec --netns -- nc -N uni.soracom.io 80',
    check: {
      file: 'exec-netns.test.ts',
      test: 'runs nc over TCP, and passes on the end of each direction',
    },
  },
  {
    program: 'dig',
    version: '9.20',
    debian: 'bind9-dnsutils',
    way: '`exec --netns`',
    type: 'arctun exec --netns -- dig uni.soracom.io',
    check: {
      file: 'exec-netns.test.ts',
      test: 'runs dig over UDP and TCP, with the name server in resolv.conf and others',
    },
  },
  {
    program: 'ping',
    version: '20240905',
    debian: 'iputils-ping',
    way: '`exec --netns`',
    type: 'arctun exec --netns -- ping -c 2 uni.soracom.io',
    check: {
      file: 'exec-netns.test.ts',
      test: 'runs ping, and reports only the replies of the target',
    },
  },
  {
    program: 'Chromium',
    // Debian replaces it each week, so no test compares it.
    version: '156',
    way: 'PAC file',
    type: 'chromium --proxy-pac-url=http://127.0.0.1:1080/proxy.pac http://uni.soracom.io/',
    caveat: 'the browser connects to other hosts directly',
    check: browsesInsideOnly,
  },
];
