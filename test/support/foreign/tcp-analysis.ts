/** Counts tshark's `tcp.analysis` flags in a capture, by the segment's sender. */
import { execFileSync } from 'node:child_process';

/**
 * Flags that report an event. Other `tcp.analysis` fields are measurements (round trips, bytes in
 * flight), or newer than tshark 4.0 (`partial_ack`).
 */
const KINDS = [
  'retransmission',
  'fast_retransmission',
  'spurious_retransmission',
  'out_of_order',
  'lost_segment',
  'ack_lost_segment',
  'duplicate_ack',
  'window_update',
  'window_full',
  'zero_window',
  'zero_window_probe',
  'zero_window_probe_ack',
  'keep_alive',
  'keep_alive_ack',
  'reused_ports',
  'tfo_syn',
  'tfo_ack',
  'tfo_ignored',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Analysis {
  segments: number;
  /** The number of segments with each flag that occurs. */
  readonly flags: Map<Kind, number>;
}

/** @returns the analysis for each IPv4 source address */
export function analyseTcp(file: string): ReadonlyMap<string, Analysis> {
  const output = tshark(
    ...['-2', '-r', file, '-o', 'tcp.analyze_sequence_numbers:TRUE'],
    ...['-Y', 'tcp', '-T', 'fields', '-e', 'ip.src'],
    ...KINDS.flatMap((kind) => ['-e', `tcp.analysis.${kind}`]),
  );
  const bySender = new Map<string, Analysis>();
  for (const line of output.split('\n')) {
    const [sender = '', ...values] = line.split('\t');
    if (sender === '') continue;
    const analysis = bySender.get(sender) ?? { segments: 0, flags: new Map<Kind, number>() };
    bySender.set(sender, analysis);
    analysis.segments++;
    for (const [index, kind] of KINDS.entries()) {
      if (values[index] !== '') analysis.flags.set(kind, (analysis.flags.get(kind) ?? 0) + 1);
    }
  }
  return bySender;
}

export function tshark(...parameters: readonly string[]): string {
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  return execFileSync('tshark', parameters, { encoding: 'utf8', stdio });
}
