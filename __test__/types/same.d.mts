// `same<A, B>()` compiles only if A and B are one type; unlike an assignment, it also distinguishes `any` from the rest.

export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function same<A, B>(...proof: Same<A, B> extends true ? [] : ['not the same type']): void;

// `typed<A>()(value)` compiles only if the value has exactly the type A. A is no hint for what the value's type may be
// inferred from.
export function typed<A>(): <B>(
  value: B,
  ...proof: Same<A, B> extends true ? [] : ['not the same type']
) => void;
