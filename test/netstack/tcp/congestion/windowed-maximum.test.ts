import { WindowedMaximum } from '../../../../src/netstack/tcp/congestion/windowed-maximum.js';

it('agrees with a list of all values, even over gaps', () => {
  const maximum = new WindowedMaximum(10);
  const all: [number, number][] = [];
  let time = 0;
  for (let step = 0; step < 500; step++) {
    time += (step * 7) % 5 === 0 ? (step % 13) * (step % 2) : 0;
    const value = (step * 7919) % 101;
    maximum.update(value, time);
    all.push([value, time]);
    const recent = all.filter(([, at]) => time - at < 10).map(([each]) => each);
    expect(maximum.value).toBe(Math.max(...recent));
  }
  expect(time).toBeGreaterThan(50);
});

it('forgets all values', () => {
  const maximum = new WindowedMaximum(3);
  maximum.update(5, 0);
  maximum.clear();
  expect(maximum.value).toBe(0);
  maximum.update(1, 0);
  expect(maximum.value).toBe(1);
});
