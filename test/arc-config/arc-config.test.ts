import { isSkeleton, skeletonArcConfig } from '../../src/arc-config/arc-config.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { SAMPLE, sampleWith, ZERO_KEY } from './sample.js';

const parse = (text: string) => parseArcConfig(text, { path: 'arc.json' });

describe('isSkeleton', () => {
  it('recognizes the skeleton by its key or by its ID', () => {
    expect(isSkeleton(skeletonArcConfig('linux'))).toBe(true);
    expect(isSkeleton(parse(sampleWith({ privateKey: ZERO_KEY })))).toBe(true);
    expect(isSkeleton(parse(sampleWith({ simId: '890000xxxxxxxxxxxxx' })))).toBe(true);
  });

  it('recognizes a file that was filled in', () => {
    expect(isSkeleton(parse(SAMPLE))).toBe(false);
  });
});
