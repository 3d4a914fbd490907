import { INSIDE } from '../lib/inside-word.js';

/** Whether this is the process inside the namespaces of `exec --netns`. */
export function startsInside([first]: readonly string[]): boolean {
  return first === INSIDE;
}
