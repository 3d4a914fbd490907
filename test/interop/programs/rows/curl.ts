/** curl in all its ways: 10 MB in each direction, compared by their checksums. */
import { CLIENT_INSIDE } from '../../../support/foreign/wireguard-go-server.js';
import { answerTo, LARGE, type ProgramLab } from '../program-lab.js';
import type { ProgramRow } from '../row.js';

const CURL = { program: 'curl', version: '8.14', debian: 'curl' } as const;
const BODY = Buffer.alloc(LARGE, 'a body that is sent through the tunnel. ');

/** Uploads and downloads with a typed command, to whose URL a path is added for the download. */
export async function transfer(
  type: string,
  lab: ProgramLab,
  run = (command: string, words: readonly string[]) => lab.shell(command, words),
): Promise<void> {
  const path = lab.file('upload', BODY);
  const options = ['-gsSf', '--max-time', '120'];
  const up = await run(type, [...options, '--data-binary', `@${path}`]);
  expect(up).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(up.stdout)).toEqual(answerTo(BODY));
  const target = type.replace(/\/$/, `/bytes/${LARGE}`);
  const down = await run(target, [...options, '-o', path]);
  expect(down).toMatchObject({ code: 0, stderr: '' });
  const { stdout } = await lab.shell(`sha256sum <${path}`);
  expect(stdout.slice(0, 64)).toBe(await lab.sumOfBytes(LARGE));
}

const typed = async (lab: ProgramLab, type: string): Promise<void> => transfer(type, lab);

export const CURL_ROWS: readonly ProgramRow[] = [
  {
    ...CURL,
    way: 'forwarder',
    type: 'curl http://127.0.0.1:8888/',
    caveat: 'one target for each `up`',
    check: typed,
  },
  {
    ...CURL,
    way: 'HTTP proxy',
    type: 'curl -x http://127.0.0.1:1080 http://uni.soracom.io/',
    check: typed,
  },
  {
    ...CURL,
    way: 'HTTP proxy, CONNECT',
    type: 'curl -p -x http://127.0.0.1:1080 http://uni.soracom.io/',
    check: typed,
  },
  {
    ...CURL,
    way: 'SOCKS5',
    type: 'curl --proxy socks5h://127.0.0.1:1080 http://uni.soracom.io/',
    check: typed,
  },
  {
    ...CURL,
    way: 'SOCKS5, address',
    type: 'curl --proxy socks5://127.0.0.1:1080 http://100.127.69.42/',
    caveat: 'with `socks5://` and a name, curl looks up the name outside the tunnel',
    check: typed,
  },
  {
    ...CURL,
    way: 'SOCKS5 with a password',
    type: 'curl --proxy socks5h://127.0.0.1:1080 --proxy-user any:PASSWORD http://uni.soracom.io/',
    check: {
      file: 'mixed-port-udp.release.test.ts',
      test: 'serves curl with the password over %s',
    },
  },
  {
    ...CURL,
    way: 'SOCKS5 on a Unix socket',
    type: 'curl --proxy socks5h://localhost/PATH/proxy.sock http://uni.soracom.io/',
    check: {
      file: 'mixed-port-udp.release.test.ts',
      test: 'serves only its owner on a socket, and takes over after a crash',
    },
  },
  {
    ...CURL,
    way: 'SOCKS4a',
    type: 'curl --proxy socks4a://127.0.0.1:1080 http://uni.soracom.io/',
    check: typed,
  },
  {
    ...CURL,
    way: 'SOCKS4',
    type: 'curl --proxy socks4://127.0.0.1:1080 http://100.127.69.42/',
    caveat: 'only IPv4 addresses',
    check: typed,
  },
  { ...CURL, way: '`-L`', type: 'curl http://127.0.0.1:8080/', check: typed },
  {
    ...CURL,
    way: '`-L` with a Unix socket',
    type: 'curl --unix-socket web.sock http://uni.soracom.io/',
    check: typed,
  },
  {
    ...CURL,
    way: '`-R`, from inside',
    type: `curl http://${CLIENT_INSIDE}:8000/`,
    caveat: 'use the address of your SIM',
    check: (lab, type) =>
      transfer(type, lab, (command, words) =>
        lab.runInside('sh', '-c', `${command} "$@"`, 'sh', ...words),
      ),
  },
  {
    ...CURL,
    way: '`exec`',
    type: 'arctun exec -- curl http://uni.soracom.io/',
    check: typed,
  },
];

/** For a session with IPv6 addresses. */
export const IPV6_ROWS: readonly ProgramRow[] = [
  {
    ...CURL,
    way: 'SOCKS5, IPv6 address',
    type: 'curl --proxy socks5h://127.0.0.1:1080 http://[fd00:127::69:42]/',
    check: typed,
  },
  {
    ...CURL,
    way: '`-L` to an IPv6 address',
    type: 'curl http://127.0.0.1:8080/',
    check: typed,
  },
];
