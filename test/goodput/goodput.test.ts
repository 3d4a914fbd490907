import { readFileSync } from 'node:fs';

import { atLength } from '../support/runner/tier.js';
import { goodputDocument, goodputRow } from './document.js';
import { LOSSES, RATES, ROUND_TRIPS } from './goodput.js';

const PAGE = readFileSync(
  new URL('../../docs/explanation/tcp-goodput.md', import.meta.url),
  'utf8',
);
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const squeezed = (text: string) => text.replaceAll(/ +/g, ' ');

const LINES = RATES.flatMap((rate) =>
  ROUND_TRIPS.flatMap((roundTrip) => LOSSES.map((loss) => ({ rate, roundTrip, loss }))),
);

if (atLength({ short: false, long: true })) {
  it('equals docs/explanation/tcp-goodput.md; npm run harness goodput rewrites it', () => {
    expect(goodputDocument()).toBe(PAGE);
  });
}

it.each(LINES.filter(({ rate, loss }) => rate === 10 && loss > 0))(
  'matches the row of docs/explanation/tcp-goodput.md for $rate Mbit/s, $roundTrip ms, a loss of $loss',
  ({ rate, roundTrip, loss }) => {
    const section = PAGE.slice(PAGE.indexOf(`## ${rate} Mbit/s`));
    const row = section
      .split('\n')
      .find((text) => squeezed(text).startsWith(`| ${roundTrip} ms | ${loss * 100} % |`));
    expect(squeezed(row!)).toBe(squeezed(line(goodputRow(rate, roundTrip, loss))));
  },
);
