/**
 * Like `{ ...base, ...more }`, for objects of which a program has many. In Node.js 20, V8 gives each
 * object from a literal with a spread and further properties a hidden class of its own, which takes
 * about 300 bytes.
 */
export function merged<Base extends object, More extends object>(
  base: Base,
  more: More,
): Omit<Base, keyof More> & More {
  return Object.assign({}, base, more);
}
