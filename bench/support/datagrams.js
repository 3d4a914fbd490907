/** Pings and UDP streams through a network interface, with the programs ping and iperf3. */

/** The rates to try, in Mbit/s of payload. */
const RATES = [100, 150, 200, 250, 300, 400, 500, 600, 700];

/** The largest UDP payload in a packet of 1,400 bytes. */
const PAYLOAD = 1372;

/** The limit for the lost datagrams at a rate, in percent. */
const MOST_LOST = 1;

const PORT = 5201;

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
