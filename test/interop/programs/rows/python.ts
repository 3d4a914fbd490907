/** Debian's Python packages, in a program of the user. */
import { answerTo, type ProgramLab } from '../program-lab.js';
import type { ProgramRow } from '../row.js';

const LENGTH = 1_000_000;
const BODY = Buffer.alloc(LENGTH, 'x');
const DOWNLOAD = `http://uni.soracom.io/bytes/${LENGTH}`;

/** Runs a program that prints the SHA-256 of a download, and the answer to an upload. */
function transfers(program: (type: string) => string) {
  return async (lab: ProgramLab, type: string): Promise<void> => {
    const start = `import hashlib\nbody = b'x' * ${LENGTH}\nurl = 'http://uni.soracom.io/'\n`;
    const { code, stdout, stderr } = await lab.python(`${start}${program(type)}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [sum, answer = ''] = stdout.trim().split('\n');
    expect(sum).toBe(await lab.sumOfBytes(LENGTH));
    expect(JSON.parse(answer)).toEqual(answerTo(BODY));
  };
}

const viaRequests = transfers(
  (type) => `
import requests
print(hashlib.sha256(${type.replace('url', `'${DOWNLOAD}'`)}.content).hexdigest())
print(${type.replace('get(url', 'post(url, body')}.text)
`,
);

const aiohttp = (session: string, get: string) => `
import aiohttp, asyncio
async def main():
    async with ${session} as session:
        async with ${get.replace('url', `'${DOWNLOAD}'`)} as answer:
            print(hashlib.sha256(await answer.read()).hexdigest())
        async with ${get.replace('get(url', 'post(url, data=body')} as answer:
            print(await answer.text())
asyncio.run(main())
`;

export const PYTHON_ROWS: readonly ProgramRow[] = [
  {
    program: 'Python requests',
    version: '2.32',
    debian: 'python3-requests',
    way: 'HTTP proxy',
    type: "requests.get(url, proxies={'http': 'http://127.0.0.1:1080'})",
    check: viaRequests,
  },
  {
    program: 'Python requests',
    version: '2.32',
    debian: 'python3-requests',
    way: 'SOCKS5',
    type: "requests.get(url, proxies={'http': 'socks5h://127.0.0.1:1080'})",
    caveat: 'needs PySocks; with `socks5://`, Python looks up names outside the tunnel',
    check: viaRequests,
  },
  {
    program: 'PySocks',
    version: '1.7',
    debian: 'python3-socks',
    way: 'SOCKS5 UDP',
    type: "udp.set_proxy(socks.SOCKS5, '127.0.0.1', 1080)",
    check: {
      file: 'mixed-port-udp.release.test.ts',
      test: 'reaches two hosts and a name from one port, and names the true source',
    },
  },
  {
    program: 'aiohttp',
    version: '3.11',
    debian: 'python3-aiohttp',
    way: 'HTTP proxy',
    type: "session.get(url, proxy='http://127.0.0.1:1080')",
    check: transfers((type) => aiohttp('aiohttp.ClientSession()', type)),
  },
  {
    program: 'aiohttp-socks',
    version: '0.10',
    debian: 'python3-aiohttp-socks',
    way: 'SOCKS5',
    type: "aiohttp.ClientSession(connector=ProxyConnector.from_url('socks5://127.0.0.1:1080'))",
    caveat: 'looks up names inside the tunnel by default (`rdns=True`)',
    check: transfers(
      (type) => `from aiohttp_socks import ProxyConnector\n${aiohttp(type, 'session.get(url)')}`,
    ),
  },
];
