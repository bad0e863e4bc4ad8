//! Which files the process has loaded as libraries, the first one first. The same calls as those of Node's diagnostic report,
//! which cannot be used for this: it stops every worker, and asks for the names of remote hosts.

/// The paths of all libraries that are loaded.
pub fn loaded() -> Vec<String> {
    system::loaded()
}

#[cfg(all(unix, not(target_vendor = "apple")))]
mod system {
    use std::{
        ffi::{CStr, c_int, c_void},
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use libc::{dl_iterate_phdr, dl_phdr_info, size_t};

    pub fn loaded() -> Vec<String> {
        let mut paths = Vec::<String>::new();
        // SAFETY: `add` is called with each library's description and `paths`, before this call returns.
        unsafe { dl_iterate_phdr(Some(add), (&raw mut paths).cast()) };
        paths
    }

    /// # Safety
    ///
    /// Only for `dl_iterate_phdr`, whose data is a list of paths.
    unsafe extern "C" fn add(info: *mut dl_phdr_info, _: size_t, paths: *mut c_void) -> c_int {
        // SAFETY: the list of `loaded`, which nobody else uses meanwhile.
        let paths = unsafe { &mut *paths.cast::<Vec<String>>() };
        // SAFETY: the loader keeps the description, and the name in it, as long as this call.
        let name = unsafe { (*info).dlpi_name };
        if !name.is_null() {
            // SAFETY: it is a C string.
            let name = unsafe { CStr::from_ptr(name) };
            // No panic may cross into C. There is none unless memory has run out.
            let _ = catch_unwind(AssertUnwindSafe(|| paths.push(name.to_string_lossy().into_owned())));
        }
        0
    }
}

#[cfg(target_vendor = "apple")]
mod system {
    use std::ffi::CStr;

    // Deprecated in `libc` only, which names another crate for them: they are two functions of the system's loader.
    #[allow(deprecated)]
    use libc::{_dyld_get_image_name, _dyld_image_count};

    #[allow(deprecated)]
    pub fn loaded() -> Vec<String> {
        // SAFETY: both may be called at any time. One that is unloaded meanwhile has no name.
        let names = (0..unsafe { _dyld_image_count() }).map(|each| unsafe { _dyld_get_image_name(each) });
        // SAFETY: a name that is there is a C string. That of an addon stays: Node unloads none.
        let names = names.filter(|name| !name.is_null()).map(|name| unsafe { CStr::from_ptr(name) });
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

#[cfg(windows)]
mod system {
    use std::ptr;

    use windows_sys::Win32::{
        Foundation::HMODULE,
        System::{
            LibraryLoader::GetModuleFileNameW, ProcessStatus::K32EnumProcessModules,
            Threading::GetCurrentProcess,
        },
    };

    /// The longest path that the system knows.
    const MAX_PATH: usize = 32_768;

    pub fn loaded() -> Vec<String> {
        let mut path = vec![0; MAX_PATH];
        modules().into_iter().filter_map(|module| path_of(module, &mut path)).collect()
    }

    /// None at all if the system refuses to say.
    fn modules() -> Vec<HMODULE> {
        let mut modules = vec![ptr::null_mut(); 1024];
        loop {
            let size = size_of_val(&*modules) as u32;
            let mut needed = 0;
            // SAFETY: there is room for `size` bytes, and for their number.
            let done = unsafe {
                K32EnumProcessModules(GetCurrentProcess(), modules.as_mut_ptr(), size, &mut needed)
            };
            let count = needed as usize / size_of::<HMODULE>();
            if done == 0 {
                return Vec::new();
            }
            let fitted = count <= modules.len();
            modules.resize(count, ptr::null_mut());
            if fitted {
                return modules;
            }
        }
    }

    fn path_of(module: HMODULE, path: &mut [u16]) -> Option<String> {
        // SAFETY: there is room for as many units as it says. A module that is unloaded meanwhile has no name.
        let length = unsafe { GetModuleFileNameW(module, path.as_mut_ptr(), path.len() as u32) };
        (length > 0).then(|| String::from_utf16_lossy(&path[..length as usize]))
    }
}
