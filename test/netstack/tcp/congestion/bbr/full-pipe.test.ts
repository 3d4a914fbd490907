import { FullPipe } from '../../../../../src/netstack/tcp/congestion/bbr/full-pipe.js';

it('is full after three rounds that grow by less than a quarter (draft-ietf-ccwg-bbr 5.3.1.2)', () => {
  const pipe = new FullPipe();
  const full = [100, 125, 157, 190, 194, 194].map((rate) => {
    pipe.roundEnded(rate);
    return pipe.isNow;
  });
  expect(full).toEqual([false, false, false, false, false, true]);
  expect(pipe.isReached).toBe(true);
});

it('restarts the count when the rate grows', () => {
  const pipe = new FullPipe();
  for (const rate of [100, 110, 120, 125, 130, 130]) pipe.roundEnded(rate);
  expect(pipe.isNow).toBe(false);
  pipe.roundEnded(130);
  expect(pipe.isNow).toBe(true);
});

it('stays full if the rate grows afterwards', () => {
  const pipe = new FullPipe();
  expect([pipe.isNow, pipe.isReached]).toEqual([false, false]);
  pipe.declareFull();
  pipe.roundEnded(1000);
  expect(pipe.isNow).toBe(true);
});
