"""Series as arrays: windows, scaling, gaps, seasonal inputs. No pandas."""
