/** Pings and UDP streams: with ping and iperf3 at a network interface, or through a proxy or a forward. */

/** The rates to try, in Mbit/s of payload. */
const RATES = [100, 150, 200, 250, 300, 400, 500, 600, 700];

/** The largest UDP payload in a packet of 1,400 bytes. */
const PAYLOAD = 1372;

/** The limit for the lost datagrams at a rate, in percent. */
const MOST_LOST = 1;

export const PORT = 5201;

/** Sends 20,000 pings as fast as they are answered, so that V8 has compiled the code for packets. */
export function warmUp(lab, host) {
  lab.run('client', 'ping', '-q', '-f', '-c', '20000', host);
}

/** Returns the median round-trip time of 500 pings, in ms. */
export function ping(lab, host) {
  const output = lab.run('client', 'ping', '-n', '-c', '500', '-i', '0.005', '-W', '1', host);
  const times = [...output.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time));
  return times.sort((one, other) => one - other)[times.length >> 1];
}

/** Returns the highest rate in Mbit/s at which less than 1 % of the datagrams are lost. */
export async function udpRate(lab, host, seconds) {
  let best = 0;
  for (const rate of RATES) {
    // Without an address, the server would reply from another one of its addresses.
    const listen = ['-s', '-1', '-B', host, '-p', `${PORT}`, '--forceflush'];
    const server = lab.start('server', ['iperf3', ...listen]);
    await server.line((line) => line.startsWith('Server listening'));
    const stream = ['-u', '-b', `${rate}M`, '-l', `${PAYLOAD}`, '-t', `${seconds}`, '-J'];
    const client = lab.run('client', 'iperf3', '-c', host, '-p', `${PORT}`, ...stream);
    await server.ended();
    const { lost_percent: lost, bits_per_second: sent } = JSON.parse(client).end.sum;
    if (lost < MOST_LOST && sent >= rate * 0.98e6) best = rate;
  }
  return best;
}

/** The payload of streams through a proxy, in bytes. */
const PROXIED_PAYLOAD = 1200;

const STREAM = new URL('udp-stream.js', import.meta.url).pathname;

/**
 * Returns the highest rate in Mbit/s at which less than 1 % of the datagrams of 1,200 bytes are
 * lost.
 *
 * @param direction `up` from the client to the server, or `down`
 * @param proxy HOST:PORT of a SOCKS5 proxy
 * @param target the address of a port forward to the same port of the host; without both, the stream uses
 *   the network interface
 */
export async function streamRate(lab, { host, direction, proxy, target = host, seconds }) {
  let best = 0;
  for (const rate of RATES) {
    const task = {
      ...{ host, port: PORT, proxy, seconds, size: PROXIED_PAYLOAD },
      perSecond: (rate * 1e6) / 8 / PROXIED_PAYLOAD,
    };
    const start = (role, end) =>
      lab.start(role, [process.execPath, STREAM, JSON.stringify({ ...task, ...end, role })]);
    const server = start('server', { sends: direction === 'down', proxy: undefined });
    await server.line((line) => line === 'listening');
    const client = start('client', { sends: direction === 'up', host: target });
    const isResult = (line) => line.startsWith('{');
    const results = await Promise.all([server.line(isResult), client.line(isResult)]);
    const { sent, received } = Object.assign({}, ...results.map((line) => JSON.parse(line)));
    await Promise.all([server.ended(), client.ended()]);
    const isInTime = sent >= task.perSecond * seconds * 0.98;
    if (isInTime && received >= sent * (1 - MOST_LOST / 100)) best = rate;
  }
  return best;
}
