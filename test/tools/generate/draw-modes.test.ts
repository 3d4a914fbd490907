import { readFileSync } from 'node:fs';

import { drawModes } from '../../../tools/generate/draw-modes.js';

const draw = drawModes as (scheme: string) => string;

describe.each(['light', 'dark'])('the %s picture of the modes', (scheme) => {
  const picture = draw(scheme);

  it('is up to date: run `node tools/generate/draw-modes.js`', () => {
    const path = new URL(`../../../docs/images/modes-${scheme}.svg`, import.meta.url);
    expect(readFileSync(path, 'utf8')).toBe(picture);
  });

  it('has a title and a description, and no reference to another file', () => {
    expect(picture).toMatch(/aria-labelledby="title desc"/);
    expect(picture).toMatch(/<title id="title">.+<\/title>\n<desc id="desc">.+<\/desc>/);
    expect(picture.match(/\b(?:href|url|src|import|https?:)[^>]*/g)).toEqual([
      'http://www.w3.org/2000/svg" viewBox="0 0 800 292" width="800" height="292" role="img" aria-labelledby="title desc"',
    ]);
  });
});
