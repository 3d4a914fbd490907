/** Formats the events of a ping like ping(8) of iputils. */
import type { PingReply, PingStart, PingSummary } from '../../app/probe/ping-host.js';
import type { EchoErrorEvent } from '../../proxy/echo-dialer.js';

const ICMP_HEADER = 8;
const IPV4_HEADER = 20;

export function pingStartText({ host, address, size }: PingStart): string {
  const isIpv6 = address.includes(':');
  const whole = isIpv6 ? '' : `(${size + ICMP_HEADER + IPV4_HEADER})`;
  return `PING ${host} (${address}) ${size}${whole} ${isIpv6 ? 'data bytes' : 'bytes of data.'}\n`;
}

export function pingReplyText({ address, sequence, bytes, ttl, rtt, isDuplicate }: PingReply) {
  const duplicate = isDuplicate ? ' (DUP!)' : '';
  return `${bytes} bytes from ${address}: icmp_seq=${sequence} ttl=${ttl} time=${rttText(rtt)} ms${duplicate}\n`;
}

export function pingErrorText({ from, sequence, text }: EchoErrorEvent): string {
  return `From ${from} icmp_seq=${sequence} ${text}\n`;
}

export function pingSummaryText(summary: PingSummary): string {
  const { host, sent, received, duplicates, errors, duration, rtt } = summary;
  const counts = [
    `${sent} packets transmitted`,
    `${received} received`,
    ...(duplicates > 0 ? [`+${duplicates} duplicates`] : []),
    ...(errors > 0 ? [`+${errors} errors`] : []),
    ...(sent > 0 ? [`${lossText(summary)}% packet loss`] : []),
    `time ${Math.round(duration)}ms`,
  ];
  const times =
    rtt && [rtt.min, rtt.average, rtt.max, rtt.deviation].map((time) => time.toFixed(3));
  const last = times === undefined ? '' : `rtt min/avg/max/mdev = ${times.join('/')} ms`;
  return `\n--- ${host} ping statistics ---\n${counts.join(', ')}\n${last}\n`;
}

export function pingSummaryValue(summary: PingSummary): object {
  const { host, address, size, sent, received, duplicates, errors, duration, rtt } = summary;
  const lossPercent = sent === 0 ? null : Number(lossText(summary));
  const times = rtt && {
    min: round(rtt.min),
    average: round(rtt.average),
    max: round(rtt.max),
    deviation: round(rtt.deviation),
  };
  return {
    ...{ host, address, size, sent, received, duplicates, errors, lossPercent },
    durationMilliseconds: Math.round(duration),
    roundTripMilliseconds: times ?? null,
  };
}

/** Shows fewer decimal places for longer times, as ping(8) does. */
function rttText(rtt: number): string {
  if (rtt >= 100) return rtt.toFixed(0);
  if (rtt >= 10) return rtt.toFixed(1);
  return rtt.toFixed(rtt >= 1 ? 2 : 3);
}

function lossText({ sent, received }: PingSummary): string {
  return String(Number((((sent - received) * 100) / sent).toPrecision(6)));
}

function round(time: number): number {
  return Number(time.toFixed(3));
}
