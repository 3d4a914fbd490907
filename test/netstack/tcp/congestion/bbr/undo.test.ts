import { PathModel } from '../../../../../src/netstack/tcp/congestion/bbr/path-model.js';
import { Undo } from '../../../../../src/netstack/tcp/congestion/bbr/undo.js';

function lowered(): [PathModel, Undo] {
  const model = new PathModel(1000, 0);
  const undo = new Undo(model);
  model.longTermInflight = 90_000;
  undo.save();
  model.longTermInflight = 60_000;
  model.shortTermBandwidth = 500;
  model.shortTermInflight = 40_000;
  // This loss belongs to the recovery, so no new state is saved.
  undo.save();
  return [model, undo];
}

it('restores the bounds from before the first loss, and the phase (draft-ietf-ccwg-bbr 5.5.11)', () => {
  const [model, undo] = lowered();
  undo.left('ProbeBW_UP');
  expect(undo.restore()).toBe('ProbeBW_UP');
  expect(model.longTermInflight).toBe(90_000);
  expect([model.shortTermBandwidth, model.shortTermInflight]).toEqual([Infinity, Infinity]);
});

it('never lowers a bound', () => {
  const [model, undo] = lowered();
  model.longTermInflight = 95_000;
  expect(undo.restore()).toBe('none');
  expect(model.longTermInflight).toBe(95_000);
});

it('restores nothing after the recovery is over', () => {
  const [model, undo] = lowered();
  undo.left('Startup');
  undo.forget();
  expect(undo.restore()).toBe('none');
  expect(model.longTermInflight).toBe(60_000);
});
