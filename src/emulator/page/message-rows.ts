/** The messages on the emulator's page, as HTML. */
import type { Message } from '../messages.js';
import type { Sim } from '../sim.js';
import { contentText } from './content-text.js';
import { cell, timeElement } from './elements.js';
import { escapeHtml } from '../../lib/text/escape-html.js';
import { simName } from './sim-rows.js';

/** The maximum number of messages on the page, newest first. */
export const MAX_MESSAGES = 100;

/** The maximum length of a path on the page, in characters. */
const SHOWN_PATH = 200;

/** Formats the latest messages, newest first. @param messages oldest first */
export function messageRows(
  messages: readonly Message[],
  sims: { get(simId: string): Sim | undefined },
): string {
  return messages
    .slice(-MAX_MESSAGES)
    .reverse()
    .map((message) => row(message, sims.get(message.simId)))
    .join('');
}

function row(message: Message, sim: Sim | undefined): string {
  const name = sim === undefined ? message.simId : simName(sim);
  return [
    '<tr role="row">',
    cell('Time', timeElement(message.at)),
    cell('SIM', `<bdi>${escapeHtml(name)}</bdi>`),
    cell('Endpoint', `<code>${escapeHtml(endpointText(message))}</code>`),
    cell('Content', contentElement(message)),
    '</tr>',
  ].join('');
}

/** Returns the protocol, and what the message was sent to. */
export function endpointText(message: Message): string {
  if (message.protocol !== 'http') return `${message.protocol.toUpperCase()} 23080`;
  const { method, path } = message;
  const shown = path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH)}…` : path;
  return `${method} ${shown}`;
}

function contentElement(message: Message): string {
  const { text, form, isPart } = contentText(message);
  const size = message.bytes === 1 ? '1 byte' : `${message.bytes} bytes`;
  const notes = [
    size,
    ...(form === 'hex' ? ['hex'] : []),
    ...(isPart ? ['only the beginning'] : []),
  ];
  const content = text === '' ? '' : `<pre>${escapeHtml(text)}</pre>`;
  return `${content}<small>${notes.join(', ')}</small>`;
}
