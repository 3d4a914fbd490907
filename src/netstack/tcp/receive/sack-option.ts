/** Processes received SACK options (RFC 2018 4 and RFC 2883 4). */
import {
  sequenceAtOrBefore,
  sequenceBefore,
  sequenceDistance,
} from '../../../lib/sequence-number.js';
import type { AckReport } from '../send/loss-recovery.js';
import type { TcpOptions } from '../open/options.js';
import type { SentSegment, SentSegments } from '../send/sent-segments.js';

export interface SackSubject {
  readonly segments: SentSegments;
  readonly sndUna: number;
  /** The sequence number after the highest octet sent; blocks beyond it are ignored as invalid. */
  readonly sndNew: number;
}

/**
 * Marks the segments that the SACK blocks of an ACK cover.
 *
 * @param sender must already have advanced SND.UNA for this ACK
 * @param report receives the DSACK range
 * @param arrived receives the newly SACKed segments
 */
export function takeSelectiveAcks(
  { segments, sndUna, sndNew }: SackSubject,
  options: TcpOptions,
  report: AckReport,
  arrived: SentSegment[],
): void {
  const { sackStarts, sackEnds, sackCount } = options;
  for (let index = 0; index < sackCount; index++) {
    const start = sackStarts[index]!;
    const end = sackEnds[index]!;
    if (!sequenceBefore(start, end) || sequenceBefore(sndNew, end)) continue;
    if (index === 0 && isDuplicate(options, sndUna)) {
      report.dsackStart = start;
      report.dsackEnd = end;
    } else if (sequenceBefore(sndUna, end)) {
      segments.sack(start, end, arrived);
    }
  }
  // RACK expects the segments in sequence order, but SACK blocks may be in any order.
  if (sackCount > 1 && arrived.length > 1) arrived.sort(bySequence);
}

function bySequence(left: SentSegment, right: SentSegment): number {
  return sequenceDistance(right.start, left.start);
}

/**
 * RFC 2883 4: the first block is a DSACK if it is below the cumulative ACK or within the second
 * block.
 */
function isDuplicate({ sackStarts, sackEnds, sackCount }: TcpOptions, segAck: number): boolean {
  if (sequenceAtOrBefore(sackEnds[0]!, segAck)) return true;
  return (
    sackCount > 1 &&
    sequenceAtOrBefore(sackStarts[1]!, sackStarts[0]!) &&
    sequenceAtOrBefore(sackEnds[0]!, sackEnds[1]!)
  );
}
