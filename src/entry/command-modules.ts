import type { Command } from '@oclif/core';

/** The commands by oclif ID. Each command is a separate chunk that loads when the command runs. */
export const COMMAND_MODULES: Readonly<
  Record<string, () => Promise<{ readonly default: Command.Class }>>
> = {
  'bootstrap:authkey': () => import('../../commands/bootstrap/authkey.js'),
  'bootstrap:cellular': () => import('../../commands/bootstrap/cellular.js'),
  'bootstrap:sim': () => import('../../commands/bootstrap/sim.js'),
  completion: () => import('../../commands/completion.js'),
  config: () => import('../../commands/config/index.js'),
  'config:import': () => import('../../commands/config/import.js'),
  'config:init': () => import('../../commands/config/init.js'),
  'config:validate': () => import('../../commands/config/validate.js'),
  connect: () => import('../../commands/connect.js'),
  dig: () => import('../../commands/dig.js'),
  doctor: () => import('../../commands/doctor.js'),
  emulator: () => import('../../commands/emulator.js'),
  exec: () => import('../../commands/exec.js'),
  'forward:add': () => import('../../commands/forward/add.js'),
  'forward:list': () => import('../../commands/forward/list.js'),
  'forward:remove': () => import('../../commands/forward/remove.js'),
  health: () => import('../../commands/health.js'),
  lambda: () => import('../../commands/lambda/index.js'),
  'lambda:layer': () => import('../../commands/lambda/layer.js'),
  ping: () => import('../../commands/ping.js'),
  send: () => import('../../commands/send.js'),
  'sim:list': () => import('../../commands/sim/list.js'),
  'sim:renew-key': () => import('../../commands/sim/renew-key.js'),
  'sim:show': () => import('../../commands/sim/show.js'),
  'sim:terminate': () => import('../../commands/sim/terminate.js'),
  status: () => import('../../commands/status.js'),
  up: () => import('../../commands/up.js'),
  version: () => import('../../commands/version.js'),
  'wg-config': () => import('../../commands/wg-config.js'),
};
