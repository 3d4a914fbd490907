import { planHooks } from '../../../src/app/up/hooks.js';

const NONE = { preUp: [], postUp: [], preDown: [], postDown: [] };

it('puts the name of the interface into every word', () => {
  const { commands, skipped } = planHooks(
    { ...NONE, postUp: [['/sbin/%i', 'a', '%i:%i', '%I', '% i']] },
    'soratun$&0',
  );
  expect(commands.PostUp).toEqual([
    { name: 'PostUp(0)', command: ['/sbin/soratun$&0', 'a', 'soratun$&0:soratun$&0', '%I', '% i'] },
  ]);
  expect(skipped).toEqual([]);
});

it('leaves out what has no program, and counts it', () => {
  const hooks = {
    preUp: [[], ['a']],
    postUp: [['', 'x'], ['b']],
    preDown: [['c']],
    postDown: [[]],
  };
  expect(planHooks(hooks, 'tun0')).toEqual({
    commands: {
      PreUp: [{ name: 'PreUp(1)', command: ['a'] }],
      PostUp: [{ name: 'PostUp(1)', command: ['b'] }],
      PreDown: [{ name: 'PreDown(0)', command: ['c'] }],
      PostDown: [],
    },
    skipped: [],
  });
});

it('skips without an interface what speaks of one, and nothing else', () => {
  const hooks = {
    preUp: [['%i']],
    postUp: [['a'], ['', '%i'], ['ip', 'dev %i']],
    preDown: [],
    postDown: [['b', '%i'], ['c']],
  };
  const { commands, skipped } = planHooks(hooks, undefined);
  expect(skipped).toEqual(['PreUp(0)', 'PostUp(2)', 'PostDown(0)']);
  expect(commands).toEqual({
    PreUp: [],
    PostUp: [{ name: 'PostUp(0)', command: ['a'] }],
    PreDown: [],
    PostDown: [{ name: 'PostDown(1)', command: ['c'] }],
  });
});
