// A Node-API addon with nothing in it: what loading any addon costs. start.js compiles it with rustc.

use std::ffi::c_void;

/// Called by Node once it has loaded the library; answers the exports as they came.
#[unsafe(no_mangle)]
pub extern "C" fn napi_register_module_v1(_env: *mut c_void, exports: *mut c_void) -> *mut c_void {
    exports
}
