// The addon's functions and the places of its shared array have the types that its build writes: what is misspelt in `lib` does not
// compile.

import type { at, native } from '../../lib/addon/layout.js';
import type { binding } from '../../lib/addon/copies.js';

export const open = (port: typeof native): number => port.openNamed('space');
export const place = (places: typeof at): number => places.tag;
export const version = (addon: typeof binding): string => addon.version();

// @ts-expect-error There is no such function.
export const noFunction = (port: typeof native): unknown => port.openNmaed('space');
// @ts-expect-error It takes a name.
export const noName = (port: typeof native): number => port.openNamed();
// @ts-expect-error There is no such place.
export const noPlace = (places: typeof at): unknown => places.tga;
// @ts-expect-error There is no such function.
export const noExport = (addon: typeof binding): unknown => addon.verison();
