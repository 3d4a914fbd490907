/** The SIMs on the emulator's page, as HTML. */
import { formatIpAddress } from '../../wire/ip-address.js';
import type { ArcNetwork } from '../arc-network.js';
import type { MessageStore } from '../messages.js';
import { type ArcSim, hasArc, type Sim } from '../sim.js';
import { cell, EMPTY, timeElement } from './elements.js';
import { escapeHtml } from '../../lib/text/escape-html.js';

/** The maximum number of SIMs on the page; a browser is slow with many more. */
export const MAX_ROWS = 200;

/**
 * How long, in milliseconds, a tunnel counts as up after a handshake. WireGuard does not use a
 * session after this time (whitepaper 6.1, REJECT_AFTER_TIME).
 */
const SESSION_LIFETIME = 180_000;

export interface SimRowsOptions {
  readonly sims: { all(): readonly Sim[] };
  readonly messages: Pick<MessageStore, 'all'>;
  readonly network: Pick<ArcNetwork, 'lastHandshake'>;
  /** The wall clock time in milliseconds since 1970. */
  readonly now: number;
}

export interface SimList {
  /** The rows of the table. */
  readonly rows: string;
  /** The options of the form: the SIMs that have a session. */
  readonly choices: string;
  /** How many SIMs exist, in words. */
  readonly summary: string;
}

/** Formats the SIMs, newest first, and terminated SIMs last. */
export function simList(options: SimRowsOptions): SimList {
  const sims = options.sims.all().filter(hasArc).reverse();
  const isOver = ({ status }: Sim) => status === 'terminated';
  const sorted = [...sims.filter((sim) => !isOver(sim)), ...sims.filter(isOver)];
  const shown = sorted.slice(0, MAX_ROWS);
  const sent = lastMessages(options.messages);
  return {
    rows: shown.map((sim) => row(sim, sent.get(sim.simId), options)).join(''),
    choices: shown
      .filter(({ arc }) => arc.session !== undefined)
      .map(choice)
      .join(''),
    summary: summaryOf(sorted.length, shown.length),
  };
}

function summaryOf(all: number, shown: number): string {
  if (all === 0) return 'No virtual SIMs yet. Create one with "arctun bootstrap authkey".';
  const count = all === 1 ? '1 virtual SIM' : `${all} virtual SIMs`;
  return all === shown ? count : `${count}; the page shows ${shown} of them`;
}

/** Returns the time of each SIM's latest stored message, in RFC 3339 format. */
function lastMessages(messages: SimRowsOptions['messages']): ReadonlyMap<string, string> {
  return new Map(messages.all().map(({ simId, at }) => [simId, at]));
}

function row(sim: ArcSim, sentAt: string | undefined, options: SimRowsOptions): string {
  const { arc } = sim;
  const handshake = options.network.lastHandshake(arc.publicKey);
  const seen = Math.max(handshake ?? 0, sentAt === undefined ? 0 : Date.parse(sentAt));
  return [
    '<tr role="row">',
    cell('Name', `<bdi>${escapeHtml(simName(sim))}</bdi>`),
    cell('IMSI', `<code>${escapeHtml(arc.imsi)}</code>`),
    cell('SIM ID', `<code>${escapeHtml(sim.simId)}</code>`),
    cell('Address', `<code>${formatIpAddress(arc.address)}</code>`),
    cell('Session', sessionText(sim)),
    cell('Tunnel', tunnelText(sim, handshake, options.now)),
    cell('Last seen', seen === 0 ? EMPTY : timeElement(new Date(seen).toISOString())),
    '</tr>',
  ].join('');
}

/** Returns the name in the tag `name`, or the SIM ID if the SIM has no name. */
export function simName({ tags, simId }: Pick<Sim, 'tags' | 'simId'>): string {
  return tags.get('name') || simId;
}

function sessionText({ status, arc: { session } }: ArcSim): string {
  if (status === 'terminated') return 'SIM terminated';
  if (session === undefined) return 'none';
  return `since ${timeElement(new Date(session.createdTime).toISOString())}`;
}

function tunnelText({ arc }: ArcSim, handshake: number | undefined, now: number): string {
  if (arc.session === undefined) return EMPTY;
  const isUp = handshake !== undefined && now - handshake < SESSION_LIFETIME;
  return isUp ? '<span class="state up">online</span>' : '<span class="state">offline</span>';
}

function choice(sim: ArcSim): string {
  const name = sim.tags.get('name') || sim.arc.imsi;
  const address = formatIpAddress(sim.arc.address);
  return `<option value="${escapeHtml(sim.simId)}">${escapeHtml(name)} (${address})</option>`;
}
