"""Series as arrays: windows, transforms, scaling, gaps, seasonal inputs. No pandas."""
