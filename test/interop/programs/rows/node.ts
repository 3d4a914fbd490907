/** Packages of npm, in a program of the user. */
import { REPOSITORY } from '../../../support/processes.js';
import { readFileSync } from 'node:fs';

import { answerTo, type ProgramLab } from '../program-lab.js';
import type { ProgramRow } from '../row.js';

const LENGTH = 1_000_000;
const BODY = Buffer.alloc(LENGTH, 'a body that a Node.js program sends. ');

const { devDependencies: VERSIONS } = JSON.parse(
  readFileSync(`${REPOSITORY}package.json`, 'utf8'),
) as { devDependencies: Readonly<Record<string, string>> };

const npm = (program: string) => ({ program, version: VERSIONS[program]! });

/** What each program can use. It prints the SHA-256 of what it receives. */
const COMMON = `
  import { createHash } from 'node:crypto';
  const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');
  const body = Buffer.alloc(${LENGTH}, 'a body that a Node.js program sends. ');
  const download = 'http://uni.soracom.io/bytes/${LENGTH}', upload = 'http://uni.soracom.io/';
`;

/** A program that downloads and uploads 1 MB; its last statement sets \`received\` and \`answer\`. */
function transfers(program: (type: string) => string) {
  return async (lab: ProgramLab, type: string): Promise<void> => {
    const end = 'console.log(JSON.stringify({ sum: sum(received), answer }));';
    const { code, stdout, stderr } = await lab.node(`${COMMON}${program(type)}\n${end}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      sum: await lab.sumOfBytes(LENGTH),
      answer: answerTo(BODY),
    });
  };
}

/** A program that receives what it has sent, and prints the SHA-256 of it. */
function echoes(program: (type: string) => string) {
  return async (lab: ProgramLab, type: string): Promise<void> => {
    const end = 'console.log(sum(received));';
    const finished = await lab.node(`${COMMON}${program(type)}\n${end}`);
    expect(finished).toEqual({ code: 0, stdout: `${answerTo(BODY).sha256}\n`, stderr: '' });
  };
}

const viaUndici = transfers(
  (type) => `
    import { EnvHttpProxyAgent, ProxyAgent, request, Socks5ProxyAgent } from 'undici';
    process.removeAllListeners('warning');
    const dispatcher = ${type};
    const received = await (await request(download, { dispatcher })).body.bytes();
    const answer = await (await request(upload, { dispatcher, method: 'POST', body })).body.json();
    await dispatcher.close();
  `,
);

const viaAgent = transfers(
  (type) => `
    import { request } from 'node:http';
    import { ProxyAgent } from 'proxy-agent';
    import { SocksProxyAgent } from 'socks-proxy-agent';
    const agent = ${type};
    const ask = (url, options, sent) => new Promise((resolve, reject) => {
      request(url, { agent, ...options }, async (response) =>
        resolve(Buffer.concat(await response.toArray()))).on('error', reject).end(sent);
    });
    const received = await ask(download, {});
    const answer = JSON.parse(await ask(upload, { method: 'POST' }, body));
  `,
);

const viaWebSocket = echoes(
  (type) => `
    import { once } from 'node:events';
    import { ProxyAgent } from 'proxy-agent';
    import { SocksProxyAgent } from 'socks-proxy-agent';
    import WebSocket from 'ws';
    const socket = ${type};
    await once(socket, 'open');
    socket.send(body);
    const [received] = await once(socket, 'message');
    socket.close();
    await once(socket, 'close');
  `,
);

/** Subscribes, publishes and receives. */
const MQTT = `
  await new Promise((resolve) => client.once('connect', resolve));
  await client.subscribeAsync('sensors/node');
  const arrival = new Promise((resolve) => client.once('message', (_topic, message) => resolve(message)));
  await client.publishAsync('sensors/node', body, { qos: 1 });
  const received = await arrival;
  await client.endAsync();
`;

const viaMqtt = echoes((type) => `import mqtt from 'mqtt';\nconst client = ${type};\n${MQTT}`);

const viaSocks = transfers(
  (type) => `
    import { text, buffer } from 'node:stream/consumers';
    import { SocksClient } from 'socks';
    const ask = async (head, sent, read) => {
      const { socket } = await ${type};
      socket.write(head + '\\r\\nHost: uni.soracom.io\\r\\nConnection: close\\r\\n');
      socket.write(sent === undefined ? '\\r\\n' : 'Content-Length: ' + sent.length + '\\r\\n\\r\\n');
      if (sent !== undefined) socket.write(sent);
      const all = await buffer(socket);
      return all.subarray(all.indexOf('\\r\\n\\r\\n') + 4);
    };
    const received = await ask('GET /bytes/${LENGTH} HTTP/1.1');
    const answer = JSON.parse(await ask('POST / HTTP/1.0', body));
  `,
);

/** Sends a datagram through a UDP relay to a name, and receives the answer of udp-echo.js. */
async function echoesDatagram(lab: ProgramLab, type: string): Promise<void> {
  const { code, stdout, stderr } = await lab.node(`
    import { createSocket } from 'node:dgram';
    import { once } from 'node:events';
    import { SocksClient } from 'socks';
    const client = ${type};
    client.on('error', (error) => { throw error; });
    client.connect();
    const [{ remoteHost: { host, port } }] = await once(client, 'established');
    const remoteHost = { host: 'device.example', port: 7 };
    const udp = createSocket('udp4');
    const frame = SocksClient.createUDPFrame({ remoteHost, data: Buffer.from('hello') });
    const again = setInterval(() => udp.send(frame, port, host), 1000);
    udp.send(frame, port, host);
    const [answer] = await once(udp, 'message');
    console.log(SocksClient.parseUDPFrame(answer).data.toString());
    clearInterval(again);
    udp.close();
    client.socket.destroy();
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\d+ hello\n$/);
}

export const NODE_ROWS: readonly ProgramRow[] = [
  {
    ...npm('undici'),
    way: 'HTTP proxy, CONNECT',
    type: "new ProxyAgent('http://127.0.0.1:1080')",
    check: viaUndici,
  },
  {
    ...npm('undici'),
    way: 'SOCKS5',
    type: "new Socks5ProxyAgent('socks5://127.0.0.1:1080')",
    caveat: 'undici calls this class experimental',
    check: viaUndici,
  },
  {
    ...npm('axios'),
    way: 'HTTP proxy',
    type: "axios.get(url, { proxy: { host: '127.0.0.1', port: 1080 } })",
    check: transfers(
      (type) => `
        import axios from 'axios';
        const instance = axios.create({ responseType: 'arraybuffer' });
        const get = async (url) => {
          const { data } = await ${type.replace('axios.get', 'instance.get')};
          return data;
        };
        const received = await get(download);
        const proxy = { host: '127.0.0.1', port: 1080 };
        const { data: answer } = await axios.post(upload, body, { proxy });
      `,
    ),
  },
  {
    ...npm('socks'),
    way: 'SOCKS5',
    type: "SocksClient.createConnection({ command: 'connect', proxy: { host: '127.0.0.1', port: 1080, type: 5 }, destination: { host: 'uni.soracom.io', port: 80 } })",
    check: viaSocks,
  },
  {
    ...npm('socks'),
    way: 'SOCKS4a',
    type: "SocksClient.createConnection({ command: 'connect', proxy: { host: '127.0.0.1', port: 1080, type: 4 }, destination: { host: 'uni.soracom.io', port: 80 } })",
    check: viaSocks,
  },
  {
    ...npm('socks'),
    way: 'SOCKS5 UDP',
    type: "new SocksClient({ command: 'associate', proxy: { host: '127.0.0.1', port: 1080, type: 5 }, destination: { host: '0.0.0.0', port: 0 } })",
    check: echoesDatagram,
  },
  {
    ...npm('socks-proxy-agent'),
    way: 'SOCKS5',
    type: "new SocksProxyAgent('socks5h://127.0.0.1:1080')",
    caveat: 'with `socks5://`, Node.js looks up names outside the tunnel',
    check: viaAgent,
  },
  {
    ...npm('proxy-agent'),
    way: 'HTTP proxy',
    type: "new ProxyAgent({ getProxyForUrl: () => 'http://127.0.0.1:1080' })",
    check: viaAgent,
  },
  {
    ...npm('proxy-agent'),
    way: 'PAC file',
    type: "new ProxyAgent({ getProxyForUrl: () => 'pac+http://127.0.0.1:1080/proxy.pac' })",
    check: viaAgent,
  },
  {
    ...npm('ws'),
    way: 'HTTP proxy, CONNECT',
    type: "new WebSocket('ws://device.example:8082/', { agent: new ProxyAgent({ getProxyForUrl: () => 'http://127.0.0.1:1080' }) })",
    check: viaWebSocket,
  },
  {
    ...npm('ws'),
    way: 'SOCKS5',
    type: "new WebSocket('ws://device.example:8082/', { agent: new SocksProxyAgent('socks5h://127.0.0.1:1080') })",
    check: viaWebSocket,
  },
  {
    ...npm('mqtt'),
    way: 'SOCKS5',
    type: "mqtt.connect('mqtt://beam.soracom.io:1883', { socksProxy: 'socks5h://127.0.0.1:1080' })",
    check: viaMqtt,
  },
  {
    ...npm('mqtt'),
    way: '`-L`',
    type: "mqtt.connect('mqtt://127.0.0.1:1883')",
    check: viaMqtt,
  },
];

const LIBRARY = `
  import { createTunnel } from 'arctun';
  const tunnel = await createTunnel({ config: process.env.ARCTUN_CONFIG });
`;

/** Without a running \`up\`: each program opens the tunnel itself. */
export const LIBRARY_ROWS: readonly ProgramRow[] = [
  {
    ...npm('mqtt'),
    way: 'library',
    type: "new mqtt.MqttClient(() => tunnel.connect({ host: 'beam.soracom.io', port: 1883 }), {})",
    check: echoes(
      (type) => `
        import mqtt from 'mqtt';
        ${LIBRARY}
        const client = ${type};
        ${MQTT}
        await tunnel.close();
      `,
    ),
  },
  {
    ...npm('ws'),
    way: 'library',
    type: "new WebSocket('ws://device.example:8082/', { agent: tunnel.httpAgent() })",
    check: echoes(
      (type) => `
        import { once } from 'node:events';
        import WebSocket from 'ws';
        ${LIBRARY}
        const socket = ${type};
        await once(socket, 'open');
        socket.send(body);
        const [received] = await once(socket, 'message');
        socket.close();
        await once(socket, 'close');
        await tunnel.close();
      `,
    ),
  },
];
